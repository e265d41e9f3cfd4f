from __future__ import annotations

from pathlib import Path

import pytest

from jtc.queue import (
    InvalidQueueOrder,
    QueueOrder,
    Settings,
    SettingsError,
    load_settings,
)
from jtc.queue.busy_limits import BusyLimits


def project(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


FULL = """
[tool.jtc]
redis_url = "redis://file"
queue = "file"
concurrency = 3
modules = ["file.tasks"]
timezone = "Asia/Tokyo"
environment = "staging"
history = 7
grace = 3.5
busy_jobs = 70
busy_seconds = 7.5
"""
ENVIRONMENT = {
    "REDIS_URL": "redis://env",
    "QUEUE_NAME": "env",
    "QUEUE_CONCURRENCY": "2",
    "JTC_MODULES": "env.tasks, env.jobs,",
    "JTC_TIMEZONE": "Europe/Lisbon",
    "JTC_ENV": "production",
    "JTC_HISTORY": "8",
    "QUEUE_GRACE": "2.5",
    "QUEUE_BUSY_JOBS": "80",
    "QUEUE_BUSY_SECONDS": "8.5",
}


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(environ={}, directory=tmp_path)
    assert settings == Settings(
        "redis://localhost:6379", "default", 10, (), "UTC", None, 100, 30.0, 1000, 60
    )
    assert settings.busy_limits == BusyLimits()


def test_the_project_file_comes_before_the_defaults(tmp_path: Path) -> None:
    folder = project(tmp_path, FULL)
    settings = load_settings(environ={}, directory=folder)
    assert settings == Settings(
        "redis://file",
        "file",
        3,
        ("file.tasks",),
        "Asia/Tokyo",
        "staging",
        7,
        3.5,
        70,
        7.5,
    )


def test_the_environment_comes_before_the_project_file(tmp_path: Path) -> None:
    settings = load_settings(environ=ENVIRONMENT, directory=project(tmp_path, FULL))
    assert settings == Settings(
        "redis://env",
        "env",
        2,
        ("env.tasks", "env.jobs"),
        "Europe/Lisbon",
        "production",
        8,
        2.5,
        80,
        8.5,
    )


def test_an_argument_comes_before_everything(tmp_path: Path) -> None:
    settings = load_settings(
        redis_url="redis://arg",
        queue_name="arg",
        concurrency=1,
        modules=("arg.tasks",),
        timezone="Europe/Paris",
        environment="arg",
        history=9,
        grace=1.5,
        busy_jobs=90,
        busy_seconds=9.5,
        environ=ENVIRONMENT,
        directory=project(tmp_path, FULL),
    )
    assert settings == Settings(
        "redis://arg",
        "arg",
        1,
        ("arg.tasks",),
        "Europe/Paris",
        "arg",
        9,
        1.5,
        90,
        9.5,
    )
    assert settings.busy_limits == BusyLimits(90, 9.5)


def test_an_empty_variable_counts_as_none(tmp_path: Path) -> None:
    empty = dict.fromkeys(ENVIRONMENT, "")
    assert load_settings(environ=empty, directory=tmp_path) == Settings()


def test_the_project_file_is_looked_for_upwards(tmp_path: Path) -> None:
    folder = project(tmp_path, FULL) / "src" / "app"
    folder.mkdir(parents=True)
    assert load_settings(environ={}, directory=folder).queue_name == "file"


def test_the_process_environment_and_directory_are_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project(tmp_path, FULL))
    monkeypatch.setenv("QUEUE_NAME", "here")
    monkeypatch.delenv("REDIS_URL", raising=False)
    settings = load_settings()
    assert (settings.queue_name, settings.redis_url) == ("here", "redis://file")


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("[tool.jtc]\nconcurrency = 0", r"\[tool.jtc\] concurrency is 0"),
        ("[tool.jtc]\nconcurrency = true", r"\[tool.jtc\] concurrency is True"),
        ("[tool.jtc]\ngrace = -1", r"\[tool.jtc\] grace is -1"),
        ("[tool.jtc]\ngrace = '1'", r"\[tool.jtc\] grace is '1'"),
        ("[tool.jtc]\nbusy_jobs = 0", r"\[tool.jtc\] busy_jobs is 0"),
        ("[tool.jtc]\nbusy_seconds = []", r"\[tool.jtc\] busy_seconds is \[\]"),
        ("[tool.jtc]\nqueue = 7", r"\[tool.jtc\] queue is 7"),
        ("[tool.jtc]\nredis_url = []", r"\[tool.jtc\] redis_url is \[\]"),
        ("[tool.jtc]\nmodules = 'tasks'", r"\[tool.jtc\] modules is 'tasks'"),
        ("[tool.jtc]\nmodules = [1]", r"\[tool.jtc\] modules is \[1\]"),
        ("[tool.jtc]\nhistory = 0", r"\[tool.jtc\] history is 0"),
        ("[tool.jtc]\nenvironment = 1", r"\[tool.jtc\] environment is 1"),
        ("[tool.jtc]\ntimezone = 'Mars'", r"\[tool.jtc\] timezone is 'Mars'"),
        ("[tool]\njtc = 1", r"pyproject.toml \[tool.jtc\] is 1"),
        ("[tool", r"Cannot read .*pyproject.toml: "),
        ("tool = 1", r"pyproject.toml \[tool.jtc\]"),
        ("[tool.jtc]\nmodulse = []", r"no setting 'modulse'. Did you mean modules\?"),
    ],
)
def test_a_value_of_the_wrong_form_is_refused_with_its_source(
    tmp_path: Path, text: str, source: str
) -> None:
    with pytest.raises(SettingsError, match=source):
        load_settings(environ={}, directory=project(tmp_path, text))


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "²"])
def test_a_concurrency_in_the_environment_is_a_whole_number(
    tmp_path: Path, value: str
) -> None:
    environ = {"QUEUE_CONCURRENCY": value}
    with pytest.raises(SettingsError, match="QUEUE_CONCURRENCY is"):
        load_settings(environ=environ, directory=tmp_path)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("JTC_HISTORY", "none"),
        ("JTC_TIMEZONE", "Europa/Lisbon"),
        ("QUEUE_BUSY_JOBS", "many"),
        ("QUEUE_BUSY_SECONDS", "long"),
    ],
)
def test_an_unusable_variable_is_named(
    tmp_path: Path, variable: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=f"{variable} is '{value}'"):
        load_settings(environ={variable: value}, directory=tmp_path)


@pytest.mark.parametrize("value", [0, -1, True])
def test_a_concurrency_given_is_a_whole_number(tmp_path: Path, value: int) -> None:
    with pytest.raises(SettingsError, match="concurrency is"):
        load_settings(concurrency=value, environ={}, directory=tmp_path)


def test_a_project_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="Cannot read"):
        load_settings(environ={}, directory=tmp_path)


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf"])
def test_a_grace_in_the_environment_is_a_number_of_seconds(
    tmp_path: Path, value: str
) -> None:
    with pytest.raises(SettingsError, match=f"QUEUE_GRACE is '{value}'"):
        load_settings(environ={"QUEUE_GRACE": value}, directory=tmp_path)


@pytest.mark.parametrize("source", ["argument", "environment", "file"])
def test_several_queues_may_be_named_wherever_one_is(
    tmp_path: Path, source: str
) -> None:
    text = "high=2, default=1"
    folder = project(tmp_path, f'[tool.jtc]\nqueue = "{text}"')
    settings = load_settings(
        queue_name=text if source == "argument" else None,
        environ={"QUEUE_NAME": text} if source == "environment" else {},
        directory=folder if source == "file" else tmp_path,
    )
    assert settings.queues == QueueOrder(("high", "default"), (2, 1))
    assert settings.queues.home == "default"


def test_queues_that_say_no_order_are_refused(tmp_path: Path) -> None:
    settings = load_settings(environ={"QUEUE_NAME": "a,,b"}, directory=tmp_path)
    with pytest.raises(InvalidQueueOrder, match="a name is missing"):
        settings.queues  # noqa: B018 - a property that raises
