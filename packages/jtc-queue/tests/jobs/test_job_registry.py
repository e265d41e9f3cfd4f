from __future__ import annotations

import sys
from types import ModuleType, new_class

import pytest

from jtc.jobs import DuplicateJobName, Job, known_jobs


def test_a_class_is_known_by_its_path_and_by_its_name() -> None:
    class SendInvoice(Job, name="send_invoice"):
        async def handle(self) -> None: ...

    path = f"{__name__}.{SendInvoice.__qualname__}"
    assert known_jobs.get("send_invoice") is SendInvoice
    assert known_jobs.get(path) is SendInvoice
    assert SendInvoice.__jtc__.path == path


def test_two_classes_cannot_share_a_name() -> None:
    class First(Job, name="report"):
        async def handle(self) -> None: ...

    with pytest.raises(DuplicateJobName) as caught:

        class Second(Job, name="report"):
            async def handle(self) -> None: ...

    assert "<locals>.First" in str(caught.value)
    assert "<locals>.Second" in str(caught.value)
    assert known_jobs.get("report") is First
    own = f"{__name__}.{test_two_classes_cannot_share_a_name.__name__}"
    assert not any(name.startswith(own) for name in known_jobs.get_all())


def test_the_path_of_a_class_cannot_be_taken_as_a_name() -> None:
    first = _define("First")

    with pytest.raises(DuplicateJobName):
        _define("Second", name=first.__jtc__.path)

    assert known_jobs.get(first.__jtc__.path) is first


def test_a_class_defined_again_takes_the_place_of_the_former() -> None:
    former = _define("Reloaded", name="old_name")

    latter = _define("Reloaded", name="new_name")

    assert known_jobs.get(former.__jtc__.path) is latter
    assert known_jobs.get("new_name") is latter
    assert known_jobs.get("old_name") is None


def test_only_classes_that_can_run_are_listed() -> None:
    class Base(Job): ...

    class Ready(Base, name="ready"):
        async def handle(self) -> None: ...

    assert known_jobs.get_all()["ready"] is Ready
    assert not any(name.endswith("Base") for name in known_jobs.get_all())


def test_a_scope_forgets_what_was_defined_in_it() -> None:
    with known_jobs.scoped():
        _define("Shortlived", name="shortlived")
        assert known_jobs.get("shortlived")

    assert known_jobs.get("shortlived") is None


def test_a_class_of_a_script_is_called_after_its_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    main = ModuleType("__main__")
    main.__file__ = "/somewhere/billing_tasks.py"
    monkeypatch.setitem(sys.modules, "__main__", main)

    assert _define("Invoice", module="__main__").__jtc__.name == "billing_tasks.Invoice"


def test_a_class_of_a_module_run_with_m_has_the_modules_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    main = ModuleType("__main__")
    main.__spec__ = pytest.__spec__
    monkeypatch.setitem(sys.modules, "__main__", main)

    assert _define("Invoice", module="__main__").__jtc__.name == "pytest.Invoice"


def test_a_class_of_an_interactive_session_keeps_its_module(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))

    assert _define("Invoice", module="__main__").__jtc__.name == "__main__.Invoice"


def _define(
    qualname: str, *, module: str = __name__, name: str | None = None
) -> type[Job]:
    namespace = {
        "__module__": module,
        "__qualname__": qualname,
        "handle": lambda self: None,
    }
    keywords = {"name": name}
    made: type[Job] = new_class(
        qualname, (Job,), keywords, lambda body: body.update(namespace)
    )
    return made
