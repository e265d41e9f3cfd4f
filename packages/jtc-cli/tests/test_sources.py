from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jtc.cli.sources import find_changes, find_sources

Write = Callable[..., Path]


def names(project: Path, *apps: str) -> set[str]:
    snapshot = find_sources(apps).take_snapshot()
    return {os.path.relpath(path, project) for path in snapshot}


def test_what_a_worker_may_import_is_watched(write: Write, project: Path) -> None:
    for name in ("tasks.py", "src/shop/mail/send.py", "words.py", "pyproject.toml"):
        write(name)
    for name in (
        *("tests/test_a.py", "test_b.py", "conftest.py", "shop.txt", ".git/hook.py"),
        *("node_modules/a.py", "env/pyvenv.cfg", "env/lib/b.py", "my-notes/c.py"),
        "__pycache__/tasks.py",
    ):
        write(name)

    watched = {"tasks.py", "src/shop/mail/send.py", "words.py", "pyproject.toml"}
    assert names(project) == watched


def test_packages_that_are_linked_are_watched_and_heaps_of_data_are_not(
    write: Write, project: Path, tmp_path: Path
) -> None:
    # Given
    elsewhere = tmp_path / "elsewhere"
    for name in ("shop/jobs.py", "shop/mail/send.py", "data/a.csv", "data/b/c.py"):
        path = elsewhere / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    write("tasks.py")
    for name in ("shop", "data"):
        (project / name).symlink_to(elsewhere / name)
    (project / "gone").symlink_to(tmp_path / "nowhere")
    # And links that lead to where they stand
    (elsewhere / "shop/again").symlink_to(elsewhere / "shop")
    (project / "here").symlink_to(project)

    # Then
    watched = names(project)
    assert {"tasks.py", "shop/jobs.py", "shop/mail/send.py"} <= watched
    assert not [name for name in watched if "data" in name]
    assert len(watched) < 20


def test_settings_further_up_are_watched(
    write: Write, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("pyproject.toml")
    write("other/x.py")
    write("shop/tasks.py")
    monkeypatch.chdir(project / "shop")

    # From there modules are imported too.
    assert names(project) == {"shop/tasks.py", "other/x.py", "pyproject.toml"}


def test_modules_elsewhere_that_are_named_are_watched(
    write: Write, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a package and a module of another folder, and a file of a third one
    for name in ("lib/shop_of_others/mail/a.py", "lib/single_one.py", "lone/one.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "lib/shop_of_others/__init__.py").touch()
    (tmp_path / "lone/two.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "lib"), *sys.path])

    apps = ("shop_of_others.mail", "single_one", "../lone/one.py", "nowhere")

    assert names(project, *apps) == {
        "../lib/shop_of_others/__init__.py",
        "../lib/shop_of_others/mail/a.py",
        "../lib/single_one.py",
        "../lone/one.py",
    }
    assert "shop_of_others" not in sys.modules


def test_a_file_of_a_package_stands_for_the_package(
    write: Write, project: Path, tmp_path: Path
) -> None:
    for name in ("shop/__init__.py", "shop/jobs/__init__.py", "shop/jobs/mail.py"):
        path = tmp_path / "lib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    assert names(project, "../lib/shop/jobs/mail.py") == {
        "../lib/shop/__init__.py",
        "../lib/shop/jobs/__init__.py",
        "../lib/shop/jobs/mail.py",
    }


def test_new_changed_and_deleted_files_are_told(write: Write, project: Path) -> None:
    # Given
    changed, gone, same = write("a.py", "1"), write("b.py"), write("c.py")
    sources = find_sources(())
    before = sources.take_snapshot()
    # When
    changed.write_text("12")
    gone.unlink()
    new = write("shop/d.py")
    # Then
    after = sources.take_snapshot()
    assert find_changes(before, after) == sorted([changed, gone, new])
    assert find_changes(after, after) == []
    assert same in after


def test_a_file_that_takes_the_place_of_another_is_a_change(
    write: Write, project: Path
) -> None:
    old, new = write("a.py", "1"), write("b.txt", "2")
    os.utime(new, ns=(old.stat().st_atime_ns, old.stat().st_mtime_ns))
    sources = find_sources(())
    before = sources.take_snapshot()
    new.rename(old)
    assert find_changes(before, sources.take_snapshot()) == [old]


def test_a_new_folder_is_one_to_watch(write: Write, project: Path) -> None:
    write("a.py")
    sources = find_sources(())
    assert sources.folders() == {project.resolve()}
    write("shop/b.py")
    assert sources.folders() == {project.resolve(), (project / "shop").resolve()}
