from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.name for path in (ROOT / "packages").glob("jtc-*"))
LEAVES = sorted(
    path
    for path in (ROOT / "packages").glob("jtc-*/src/jtc/*/")
    if path.name != "__pycache__"
)
TOP_LEVEL = {
    ".ci",
    ".github",
    ".gitignore",
    ".pre-commit-config.yaml",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "benchmarks",
    "docs",
    "examples",
    "hatch.toml",
    "mkdocs.yml",
    "packages",
    "pyproject.toml",
    "tests",
}
NAMES_THAT_SAY_NOTHING = {"utils", "core", "common", "helpers"}


def test_the_top_level_is_exactly_the_agreed_list() -> None:
    ignored = [line.rstrip("/") for line in _lines(ROOT / ".gitignore")]

    found = {
        path.name
        for path in ROOT.iterdir()
        if path.name != ".git"
        and not any(fnmatch(path.name, pattern) for pattern in ignored)
        and _holds_a_file(path)
    }

    assert found == TOP_LEVEL


def test_there_are_three_packages() -> None:
    assert PACKAGES == ["jtc-cli", "jtc-queue", "jtc-schedule"]


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("name", ["pyproject.toml", "README.md", "CHANGELOG.md"])
def test_a_package_has_its_own_papers(package: str, name: str) -> None:
    assert (ROOT / "packages" / package / name).read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_carries_the_license_of_the_repository(package: str) -> None:
    theirs = ROOT / "packages" / package / "LICENSE"

    assert theirs.read_text(encoding="utf-8") == (ROOT / "LICENSE").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_tests(package: str) -> None:
    assert list((ROOT / "packages" / package / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.name)
def test_a_leaf_of_the_namespace_is_a_typed_package(leaf: Path) -> None:
    assert (leaf / "__init__.py").is_file()
    assert (leaf / "py.typed").is_file()


@pytest.mark.parametrize("package", PACKAGES)
def test_the_namespace_itself_belongs_to_nobody(package: str) -> None:
    namespace = ROOT / "packages" / package / "src" / "jtc"

    assert [path.name for path in namespace.iterdir() if path.is_file()] == []


def test_no_leaf_is_in_two_packages() -> None:
    names = [leaf.name for leaf in LEAVES]

    assert len(names) == len(set(names))


def test_versions_go_in_lockstep() -> None:
    versions = {_project(package)["version"] for package in PACKAGES}

    assert len(versions) == 1


@pytest.mark.parametrize("package", PACKAGES)
def test_a_sibling_is_wanted_in_the_same_minor_version(package: str) -> None:
    project = _project(package)
    major, minor, *_ = (int(part) for part in project["version"].split("."))
    wanted = f">={major}.{minor},<{major}.{minor + 1}"

    siblings = [
        dependency.removeprefix(name)
        for dependency in project["dependencies"]
        for name in PACKAGES
        if dependency.startswith(name)
    ]

    assert siblings == [wanted] * len(siblings)
    assert bool(siblings) == (package != "jtc-schedule")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_changelog_has_an_entry_for_the_version(package: str) -> None:
    changelog = (ROOT / "packages" / package / "CHANGELOG.md").read_text("utf-8")

    assert f"## [{_project(package)['version']}]" in changelog


def test_jtc_schedule_depends_on_nothing() -> None:
    assert _project("jtc-schedule")["dependencies"] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_tested_with_only_the_siblings_it_may_use(package: str) -> None:
    project = _project(package)
    allowed = {package, *(re.split(r"[\[<>=]", d)[0] for d in project["dependencies"])}
    if "jtc-queue" in allowed:
        allowed.add("jtc-schedule")

    environment = _toml(f"packages/{package}/pyproject.toml")["tool"]["hatch"]["envs"]
    excluded = environment["default"]["workspace"].get("exclude", [])

    assert sorted(excluded) == sorted(set(PACKAGES) - allowed)


@pytest.mark.parametrize(
    "name", ["hatch.toml", "pyproject.toml", "CONTRIBUTING.md", "README.md"]
)
def test_a_list_that_names_the_packages_names_them_all(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")

    assert sorted(set(re.findall(r"\bjtc-[a-z]+", text))) == PACKAGES


def test_every_package_is_tested_by_the_root_suite() -> None:
    options = _toml("pyproject.toml")["tool"]["pytest"]["ini_options"]

    assert sorted(options["testpaths"]) == [
        *(f"packages/{package}/tests" for package in PACKAGES),
        "tests",
    ]


def test_every_package_is_type_checked() -> None:
    commands = _toml("hatch.toml")["envs"]["types"]["scripts"]["check"]
    paths = [word for line in commands for word in line.split()[1:]]

    assert sorted(paths) == [
        *sorted(f"packages/{p}/{d}" for p in PACKAGES for d in ("src", "tests")),
        "tests",
    ]
    assert sorted(_toml("pyproject.toml")["tool"]["mypy"]["mypy_path"]) == [
        *(f"packages/{p}/{d}" for p in PACKAGES for d in ("src", "tests")),
        "tests/chaos",
    ]


def test_every_leaf_is_measured() -> None:
    measured = _toml("pyproject.toml")["tool"]["coverage"]["run"]["source_pkgs"]

    assert sorted(measured) == sorted(f"jtc.{leaf.name}" for leaf in LEAVES)


def test_every_package_has_a_coverage_gate() -> None:
    gates = _toml("hatch.toml")["envs"]["default"]["scripts"]["cov-check"]
    text = "\n".join(gates)

    assert sorted(re.findall(r"packages/(jtc-\w+)/\*", text)) == PACKAGES
    assert re.search(r"fail-under=100 --include='packages/jtc-schedule/", text)


def test_every_python_that_is_promised_is_tested() -> None:
    promised = {
        classifier.rpartition(" ")[2]
        for package in PACKAGES
        for classifier in _project(package)["classifiers"]
        if re.search(r"Python :: 3\.\d+$", classifier)
    }
    matrices = [
        _toml("hatch.toml")["envs"]["hatch-test"]["matrix"],
        *(
            _toml(f"packages/{p}/pyproject.toml")["tool"]["hatch"]["envs"][
                "hatch-test"
            ]["matrix"]
            for p in PACKAGES
        ),
    ]

    assert [set(matrix["python"]) for [matrix] in matrices] == [promised] * 4


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for folder in ("packages", "examples", "benchmarks", "tests")
        for path in (ROOT / folder).rglob("*.py")
    ),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_module_has_a_name_that_says_what_it_holds(path: Path) -> None:
    assert path.stem not in NAMES_THAT_SAY_NOTHING


def test_lint_wants_the_future_import_everywhere() -> None:
    lint = _toml("pyproject.toml")["tool"]["ruff"]["lint"]

    assert lint["isort"]["required-imports"] == ["from __future__ import annotations"]
    assert "I" in lint["select"]
    assert "I002" not in str(lint.get("per-file-ignores")) + str(lint["ignore"])


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line]


def _holds_a_file(path: Path) -> bool:
    # Git does not keep an empty folder, so a clone would not have it.
    return path.is_file() or any(inner.is_file() for inner in path.rglob("*"))


def _project(package: str) -> dict[str, Any]:
    project: dict[str, Any] = _toml(f"packages/{package}/pyproject.toml")["project"]
    return project


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / name).read_text(encoding="utf-8"))
