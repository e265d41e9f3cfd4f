from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jtc.cli.discovery import discover
from jtc.cli.errors import (
    DiscoveryError,
    ModuleImportFailed,
    ModuleNameTaken,
    ModuleNotLocated,
)
from jtc.queue import SettingsError

Write = Callable[..., Path]


def names(*apps: str) -> list[str]:
    return [name for name, _ in discover(apps).modules]


# Named modules


def test_a_dotted_module_is_imported(write: Write) -> None:
    write("myapp/__init__.py")
    write("myapp/work.py", "loaded = True")
    assert discover(["myapp.work"]).modules == (("myapp.work", "--app"),)
    assert sys.modules["myapp.work"].loaded is True


def test_several_apps_are_imported_in_order(write: Write) -> None:
    for name in ("b", "a"):
        write(f"{name}.py")
    assert names("b", "a", "b") == ["b", "a"]


def test_a_file_is_imported_by_its_stem(write: Write) -> None:
    write("scripts/nightly.py", "import helper_of_nightly")
    write("scripts/helper_of_nightly.py")
    assert names("scripts/nightly.py") == ["nightly"]


def test_a_file_may_be_given_by_its_absolute_path(write: Write) -> None:
    assert names(str(write("elsewhere/nightly.py"))) == ["nightly"]


def test_a_file_of_a_package_is_imported_by_its_dotted_name(write: Write) -> None:
    write("backend/shop/__init__.py")
    write("backend/shop/mail/__init__.py")
    write("backend/shop/mail/work.py", "from ..prices import PRICE")
    write("backend/shop/prices.py", "PRICE = 1")
    assert names("backend/shop/mail/work.py") == ["shop.mail.work"]


def test_the_init_file_of_a_package_stands_for_the_package(write: Write) -> None:
    write("shop/__init__.py")
    assert names("shop/__init__.py") == ["shop"]


def test_a_link_to_a_file_is_imported_by_the_name_of_the_link(
    write: Write, project: Path
) -> None:
    (project / "linked.py").symlink_to(write("real.py"))
    assert names("linked.py") == ["linked"]


@pytest.mark.parametrize("target", ["shop", "shop/", "./shop"])
def test_a_package_brings_its_task_modules(write: Write, target: str) -> None:
    write("shop/__init__.py")
    write("shop/web.py", "raise RuntimeError('not to be imported')")
    write("shop/jobs.py")
    write("shop/tasks/__init__.py")
    write("shop/tasks/mail/__init__.py")
    write("shop/tasks/mail/daily.py")
    write("shop/tasks/__main__.py", "raise RuntimeError('not to be imported')")
    write("shop/tasks/test_daily.py", "raise RuntimeError('not to be imported')")
    assert names(target) == [
        "shop",
        "shop.tasks",
        "shop.tasks.mail",
        "shop.tasks.mail.daily",
        "shop.jobs",
    ]


@pytest.mark.parametrize("target", ["scripts", "scripts/"])
def test_a_plain_folder_brings_every_file_in_it(write: Write, target: str) -> None:
    write("scripts/one.py")
    write("scripts/two.py")
    assert names(target) == ["one", "two"]


@pytest.mark.parametrize("target", ["backend", "backend/"])
def test_a_plain_folder_with_task_modules_brings_only_these(
    write: Write, target: str
) -> None:
    write("backend/web.py", "raise RuntimeError('not to be imported')")
    write("backend/tasks.py")
    write("backend/jobs/mail.py")
    assert names(target) == ["tasks", "mail"]


def test_a_folder_with_task_packages_only_brings_these(write: Write) -> None:
    write("backend/jobs/__init__.py")
    assert names("backend/") == ["jobs"]


def test_a_module_in_src_is_found(write: Write) -> None:
    write("src/shop/__init__.py")
    write("src/shop/work.py")
    assert names("shop.work") == ["shop.work"]


def test_a_file_is_imported_once_whatever_it_is_called(
    write: Write, project: Path
) -> None:
    # Given a module that leaves a trace
    write("loose/work.py", "with open('trace', 'a') as file: file.write('x')")
    # When it is named by its path and by a dotted name
    found = names("loose/work.py", "loose.work", "./loose/../loose/work.py")
    # Then it ran once
    assert (project / "trace").read_text() == "x"
    assert found == ["work"]


def test_the_working_directory_comes_first(write: Write, project: Path) -> None:
    write("work.py")
    discover(["work"])
    assert sys.path[0] == str(project)
    discover(["work"])
    assert sys.path.count(str(project)) == 1


@pytest.mark.parametrize(
    "target",
    ["nope", "nope.tasks", "shop.nope", "nope.py", "nope/", "empty/", "", ".a", "a..b"],
)
def test_a_missing_module_is_named_with_the_places_searched(
    write: Write, project: Path, target: str
) -> None:
    write("shop/__init__.py")
    (project / "empty").mkdir()
    with pytest.raises(ModuleNotLocated) as error:
        discover([target])
    assert target.strip("/") in str(error.value)
    assert "(--app)" in str(error.value)
    assert str(project) in str(error.value)


@pytest.mark.parametrize("name", ["json", "jtc", "time"])
def test_a_file_with_the_name_of_another_module_is_refused(
    write: Write, name: str
) -> None:
    path = write(f"scripts/{name}.py")
    with pytest.raises(ModuleNameTaken, match="Rename the file") as error:
        discover([str(path)])
    assert str(path) in str(error.value)


# Where modules are named


def test_the_environment_names_modules(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("one.py")
    write("two.py")
    monkeypatch.setenv("JTC_MODULES", "one, two.py")
    assert discover().modules == (("one", "JTC_MODULES"), ("two", "JTC_MODULES"))


def test_pyproject_names_modules_relative_to_itself(
    write: Write, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("pyproject.toml", '[tool.jtc]\nmodules = ["shop.work", "scripts/one.py"]')
    write("shop/work.py")
    write("scripts/one.py")
    (project / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(project / "deep" / "down")
    assert names() == ["shop.work", "one"]


def test_the_command_line_wins_over_the_environment_and_that_over_pyproject(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("pyproject.toml", '[tool.jtc]\nmodules = ["three"]')
    for name in ("one", "two", "three"):
        write(f"{name}.py")
    assert names() == ["three"]
    monkeypatch.setenv("JTC_MODULES", "two")
    assert names() == ["two"]
    assert names("one") == ["one"]
    monkeypatch.setenv("JTC_MODULES", " , ")
    assert names() == ["three"]


def test_a_setting_of_the_wrong_form_is_refused(write: Write) -> None:
    write("pyproject.toml", '[tool.jtc]\nmodules = "shop.tasks"')
    with pytest.raises(SettingsError, match="a list of strings"):
        discover()


def test_the_working_directory_is_searched_only_if_no_module_is_named(
    write: Write,
) -> None:
    write("tasks.py")
    write("other.py")
    assert names("other") == ["other"]
    assert names() == ["tasks"]


# The working directory


def test_task_modules_are_found_at_the_top_and_one_level_down(write: Write) -> None:
    write("tasks.py")
    write("jobs/__init__.py")
    write("jobs/mail.py")
    write("shop/__init__.py")
    write("shop/schedule.py", "from . import prices")
    write("shop/prices.py")
    write("loose/schedules/yearly.py")
    write("src/lib/__init__.py")
    write("src/lib/tasks.py")
    write("shop/deep/tasks.py", "raise RuntimeError('too deep')")
    assert names() == [
        "tasks",
        "jobs",
        "jobs.mail",
        "loose.schedules",
        "loose.schedules.yearly",
        "shop.schedule",
        "lib.tasks",
    ]


@pytest.mark.parametrize(
    "folder", [".hidden", "tests", "node_modules", "build", "dist", "venv", "no-name"]
)
def test_folders_that_are_not_the_users_code_are_left_alone(
    write: Write, folder: str
) -> None:
    write(f"{folder}/tasks.py", "raise RuntimeError('not to be imported')")
    if folder == "venv":
        write("venv/pyvenv.cfg")
    assert names() == []


def test_a_folder_without_modules_is_no_package(write: Write) -> None:
    write("jobs/data.json", "{}")
    write("notes", "a file")
    assert names() == []


def test_nothing_found_says_where_it_looked(project: Path) -> None:
    discovery = discover()
    assert discovery.modules == ()
    report = "\n".join(discovery.places)
    for place in ("--app", "JTC_MODULES", "pyproject.toml", "jtc.schedules"):
        assert place in report
    assert f"{project} and its subfolders: none called tasks, jobs" in report


def test_what_was_found_is_said_for_each_place(write: Write, project: Path) -> None:
    write("tasks.py")
    assert f"{project} and its subfolders: tasks" in discover().places
    assert discover(["tasks"]).places[0] == "--app: tasks"


# Entry points


@pytest.fixture
def publish(write: Write) -> Callable[[str], None]:
    """Install a distribution that publishes a module."""

    def publish_module(value: str) -> None:
        info = "published-1.0.dist-info"
        write(f"{info}/METADATA", "Metadata-Version: 2.1\nName: published\nVersion: 1")
        write(f"{info}/entry_points.txt", f"[jtc.schedules]\nmine = {value}")

    return publish_module


def test_entry_points_are_imported_also_when_modules_are_named(
    write: Write, publish: Callable[[str], None]
) -> None:
    publish("published.work")
    write("published/work.py")
    write("other.py")
    assert discover(["other"]).modules == (
        ("other", "--app"),
        ("published.work", "entry point 'mine'"),
    )


def test_an_entry_point_that_fails_is_named(
    write: Write, publish: Callable[[str], None]
) -> None:
    publish("published.gone")
    with pytest.raises(ModuleNotLocated, match=r"'published.gone' .entry point 'mine'"):
        discover()


# Modules that fail


def failure(*apps: str) -> str:
    with pytest.raises(ModuleImportFailed) as error:
        discover(apps)
    assert isinstance(error.value, DiscoveryError)
    assert isinstance(error.value, ImportError)
    return str(error.value)


def test_a_module_that_fails_is_shown_with_its_own_traceback_only(
    write: Write, project: Path
) -> None:
    write("shop/__init__.py")
    write("shop/tasks.py", "from shop import prices\n")
    write("shop/prices.py", "PRICE = 1 / 0\n")
    text = failure("shop.tasks")
    assert text.startswith("Cannot import shop.tasks (--app):")
    assert f'File "{project}/shop/tasks.py", line 1' in text
    assert f'File "{project}/shop/prices.py", line 1' in text
    assert text.endswith("ZeroDivisionError: division by zero")
    assert "importlib" not in text
    assert "discovery.py" not in text


def test_a_missing_import_of_a_module_is_a_failure_of_that_module(write: Write) -> None:
    write("tasks.py", "import no_such_library")
    assert "No module named 'no_such_library'" in failure()


def test_a_wrong_decorator_is_shown_where_it_stands(write: Write) -> None:
    path = write(
        "tasks.py",
        "from jtc.schedule import Schedule\n@Schedule.every(0)\ndef never(ctx): ...\n",
    )
    text = failure()
    assert f'File "{path}", line 2' in text
    assert "decorators.py" not in text


def test_a_syntax_error_is_shown_with_its_place(write: Write) -> None:
    path = write("tasks.py", "def broken(:\n")
    text = failure()
    assert f'File "{path}", line 1' in text
    assert "SyntaxError" in text


def test_the_cause_of_an_error_is_cleaned_as_well(write: Write) -> None:
    write(
        "tasks.py",
        "import importlib\n"
        "try:\n"
        "    importlib.import_module('no_such_library')\n"
        "except ImportError as error:\n"
        "    raise ExceptionGroup('both', [RuntimeError(1)]) from error\n",
    )
    text = failure()
    assert "no_such_library" in text
    assert "ExceptionGroup: both" in text
    assert "importlib/__init__.py" not in text


@pytest.mark.parametrize(
    "statement", ["raise SystemExit(3)", "import sys; sys.exit('bye')"]
)
def test_a_module_that_would_end_the_process_only_fails(
    write: Write, statement: str
) -> None:
    write("tasks.py", statement)
    assert "SystemExit" in failure()


def test_ctrl_c_during_an_import_is_obeyed(write: Write) -> None:
    write("tasks.py", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        discover()


def test_a_module_may_run_a_loop_when_it_is_imported(write: Write) -> None:
    write("tasks.py", "import asyncio\nasyncio.run(asyncio.sleep(0))")
    assert names() == ["tasks"]
