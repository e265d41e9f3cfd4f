from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = {
    "jtc-schedule": {"schedule"},
    "jtc-queue": {
        "dashboard",
        "events",
        "fixtures",
        "jobs",
        "metrics",
        "outbox",
        "providers",
        "queue",
        "telemetry",
        "testing",
    },
    "jtc-cli": {"cli"},
}


@pytest.fixture(scope="module", params=PARTS)
def package(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def wheel(package: str, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of one package, built without the network."""
    folder = tmp_path_factory.mktemp(package)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT / "packages" / package,
        check=True,
        capture_output=True,
        timeout=120,
    )
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_a_wheel_holds_exactly_the_files_of_its_sources(
    package: str, wheel: zipfile.ZipFile
) -> None:
    source = ROOT / "packages" / package / "src"
    written = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert packed == written


def test_a_wheel_holds_only_its_own_part_of_the_namespace(
    package: str, wheel: zipfile.ZipFile
) -> None:
    packed = [name for name in wheel.namelist() if ".dist-info/" not in name]

    assert {name.split("/")[0] for name in packed} == {"jtc"}
    assert {name.split("/")[1] for name in packed} == PARTS[package]


def test_a_wheel_carries_the_license_and_the_marks_of_a_typed_package(
    package: str, wheel: zipfile.ZipFile
) -> None:
    names = wheel.namelist()

    assert [name for name in names if name.endswith("/licenses/LICENSE")]
    assert {f"jtc/{part}/py.typed" for part in PARTS[package]} <= set(names)
