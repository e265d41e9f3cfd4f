from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from jtc.jobs import Job, JobClassNotFound, JobModuleNotFound, NotAJob, known_jobs
from jtc.jobs.finding import find_job_class
from jtc.queue import NotRunnableHere

Module = Callable[[str], str]

JOB = """
from __future__ import annotations
from jtc.jobs import Job

class SendInvoice(Job):
    async def handle(self): ...

class Outer:
    class Inner(Job):
        async def handle(self): ...
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Module:
    """Write a module that nobody has imported yet and return its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(text: str) -> str:
        name = f"unseen_{uuid.uuid4().hex}"
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        return name

    return write


def test_a_class_of_this_process_is_found_by_its_name() -> None:
    class SendInvoice(Job, name="send_invoice"):
        async def handle(self) -> None: ...

    assert find_job_class("send_invoice") is SendInvoice


def test_a_class_of_an_unseen_module_is_found_by_importing_it(module: Module) -> None:
    name = module(JOB)

    found = find_job_class(f"{name}.SendInvoice")

    assert found is sys.modules[name].SendInvoice
    assert find_job_class(f"{name}.Outer.Inner") is sys.modules[name].Outer.Inner


def test_a_nested_class_of_an_unseen_module_is_found(module: Module) -> None:
    name = module(JOB)

    found = find_job_class(f"{name}.Outer.Inner")

    assert found.__name__ == "Inner"


def test_a_class_is_found_where_it_was_only_imported(module: Module) -> None:
    name = module(JOB)
    other = module(f"from {name} import SendInvoice")

    assert find_job_class(f"{other}.SendInvoice").__module__ == name


@pytest.mark.parametrize("error", [JobModuleNotFound, ImportError, NotRunnableHere])
@pytest.mark.parametrize("name", ["nonexistent.module", "jtc.nonexistent", "os.nope"])
def test_a_module_that_does_not_exist_is_an_import_error(
    name: str, error: type[Exception]
) -> None:
    with pytest.raises(error, match=rf"^Cannot import module {name}: "):
        find_job_class(f"{name}.SomeJob")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError"),
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def", "SyntaxError"),
    ],
)
def test_a_module_that_fails_to_import_is_an_import_error(
    module: Module, text: str, cause: str
) -> None:
    name = module(text)

    with pytest.raises(
        ImportError, match=rf"Cannot import module {name}: {cause}"
    ) as caught:
        find_job_class(f"{name}.SendInvoice")

    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("error", [JobClassNotFound, AttributeError, NotRunnableHere])
def test_a_class_that_its_module_lacks_is_an_attribute_error(
    module: Module, error: type[Exception]
) -> None:
    name = module(JOB)

    with pytest.raises(
        error,
        match=rf"^Class SendInvoic not found in module {name}\. Did you mean {name}",
    ):
        find_job_class(f"{name}.SendInvoic")


def test_a_class_inside_a_function_cannot_be_found_from_outside(
    module: Module,
) -> None:
    name = module("def make(): ...")

    with pytest.raises(JobClassNotFound, match=r"Class make\.<locals>\.Job not found"):
        find_job_class(f"{name}.make.<locals>.Job")


def test_a_name_without_a_module_is_looked_up_among_the_known_ones() -> None:
    class SendInvoice(Job, name="send_invoice"):
        async def handle(self) -> None: ...

    with pytest.raises(
        JobClassNotFound,
        match=r"^Class 'send_invoise' not found in this worker's jobs\. "
        r"Did you mean send_invoice[,?]",
    ):
        find_job_class("send_invoise")


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "x..y", "a.", "\x00.b"])
def test_a_malformed_name_finds_nothing(name: str) -> None:
    with pytest.raises((JobClassNotFound, JobModuleNotFound)):
        find_job_class(name)


def test_a_name_that_is_no_string_finds_nothing() -> None:
    with pytest.raises(JobClassNotFound, match="Class 5 not found"):
        find_job_class(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "subprocess.Popen",
        "builtins.eval",
        "os.path",
        "jtc.jobs.dispatcher.JobManager",
    ],
)
def test_what_is_no_job_is_never_run(name: str) -> None:
    with pytest.raises(NotAJob, match=rf"^{name} is no subclass of jtc\.jobs\.Job"):
        find_job_class(name)


def test_job_itself_and_classes_without_handle_are_not_run() -> None:
    class Base(Job, name="base"): ...

    for name in ("jtc.jobs.Job", "base"):
        with pytest.raises(TypeError, match="does not define handle"):
            find_job_class(name)


def test_finding_does_not_run_code_of_what_it_passes(module: Module) -> None:
    name = module(
        """
class Meta(type):
    def __getattr__(cls, name):
        raise SystemExit("looked up")

class Trap(metaclass=Meta): ...
"""
    )

    with pytest.raises(JobClassNotFound):
        find_job_class(f"{name}.Trap.anything")
    assert known_jobs.get(f"{name}.Trap.anything") is None
