"""What docs/metrics.md, the dashboard and the alerts say, beside what is exposed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from jtc.metrics.families import Families

DOCS = Path(__file__).parents[4] / "docs"
NAME = re.compile(r"\bjtc_[a-z_]+")
SUFFIXES = {"counter": ("_total",), "info": ("_info",), "gauge": ("",)}


def exposed() -> dict[str, str]:
    """What each metric tells, by the name under which it is exposed."""
    names = {}
    for family in Families().all():
        [suffix] = SUFFIXES.get(family.type, ("",))
        names[family.name + suffix] = family.documentation
    return names


def series() -> set[str]:
    """The names of all series."""
    histograms = [f.name for f in Families().all() if f.type == "histogram"]
    parts = {f"{name}_{p}" for name in histograms for p in ("bucket", "sum", "count")}
    return parts | set(exposed()) - set(histograms)


def expressions(dashboard: dict[str, Any]) -> list[str]:
    found = [t["expr"] for p in dashboard["panels"] for t in p["targets"]]
    return found + [v["definition"] for v in dashboard["templating"]["list"][1:]]


@pytest.fixture
def dashboard() -> dict[str, Any]:
    text = (DOCS / "grafana-dashboard.json").read_text(encoding="utf-8")
    read: dict[str, Any] = json.loads(text)
    return read


def test_the_table_names_each_metric_and_its_labels() -> None:
    text = (DOCS / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(jtc_\w+)(?:\{([\w, ]+)\})?` \|", text, re.MULTILINE)

    named = {name: tuple(labels.split(", ")) if labels else () for name, labels in rows}

    families = {f.name: f for f in Families().all()}
    labels = [getattr(f, "_labelnames", ()) for f in families.values()]
    expected = dict(zip(exposed(), map(tuple, labels), strict=True))
    expected["jtc_build_info"] = ("version", "python")
    assert named == expected


def test_the_dashboard_asks_for_what_there_is(dashboard: dict[str, Any]) -> None:
    asked = {name for text in expressions(dashboard) for name in NAME.findall(text)}

    assert asked - series() == set()


def test_the_dashboard_shows_every_metric(dashboard: dict[str, Any]) -> None:
    text = "\n".join(expressions(dashboard))

    assert [name for name in exposed() if name not in text] == []


def test_a_panel_lies_beside_the_others(dashboard: dict[str, Any]) -> None:
    cells = [
        (x, y)
        for panel in dashboard["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert {x for x, _ in cells} == set(range(24))


def test_the_alerts_ask_for_what_there_is(rules: dict[str, str]) -> None:
    asked = {name for text in rules.values() for name in NAME.findall(text)}

    assert asked - series() == set()


def test_the_page_names_each_alert(rules: dict[str, str]) -> None:
    text = (DOCS / "metrics.md").read_text(encoding="utf-8")

    assert [name for name in rules if f"`{name}`" not in text] == []


def test_each_metric_says_what_it_tells() -> None:
    assert [name for name, text in exposed().items() if not text.endswith(".")] == []
