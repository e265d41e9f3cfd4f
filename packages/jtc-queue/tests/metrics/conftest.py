from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from jtc.metrics.exposition import Exposition
from jtc.queue import Worker, vitals

DOCS = Path(__file__).parents[4] / "docs"

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
Samples = dict[str, Vector]

TOKEN = re.compile(r'\d+\.\d+|\w+|"[^"]*"|=~|[-/<>(){}\[\],=]', re.ASCII)
RANGE = 900.0
"""Seconds between two scrapes, as it were."""
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
}
AGGREGATE: dict[str, Callable[[Iterable[float]], float]] = {
    "sum": sum,
    "max": max,
    "min": min,
}
COUNT: dict[str, Callable[[float, float], float]] = {
    "-": lambda a, b: a - b,
    "/": lambda a, b: a / b if b else nan,
}


@dataclass(frozen=True)
class Scrape:
    """What Prometheus has read, and when."""

    at: float
    samples: Samples


NOTHING = Scrape(0.0, {})


class Evaluation:
    """As much of Prometheus's language as the alerts are written in.

    A range is what happened between two scrapes. As in Prometheus, a series that was
    not there in the first has no increase.
    """

    def __init__(self, text: str, before: Scrape, now: Scrape, clock: float) -> None:
        self.tokens = TOKEN.findall(text)
        assert "".join(self.tokens) == re.sub(r"\s", "", text), text
        self.before, self.now, self.clock = before, now, clock

    def run(self) -> Vector:
        """Return the series for which it is true."""
        value: Vector = self.sum()
        if not self.tokens:
            return value
        operator, limit = self.take(), float(self.take())
        assert not self.tokens, self.tokens
        is_true = COMPARE[operator]
        return {key: each for key, each in value.items() if is_true(each, limit)}

    def take(self, *expected: str) -> str:
        token = str(self.tokens.pop(0))
        assert not expected or token in expected, (token, expected)
        return token

    def sees(self, *tokens: str) -> bool:
        return bool(self.tokens) and self.tokens[0] in tokens

    def sum(self) -> Any:
        value = self.quotient()
        while self.sees("-"):
            value = combine(self.take(), value, self.quotient())
        return value

    def quotient(self) -> Any:
        value = self.operand()
        while self.sees("/"):
            value = combine(self.take(), value, self.operand())
        return value

    def operand(self) -> Any:
        word = self.take()
        match word:
            case "time":
                self.take("("), self.take(")")
                return self.clock
            case "absent":
                return {} if self.argument() else {Labels(): 1.0}
            case "increase" | "delta" | "rate":
                return self.change(word)
            case "sum" | "max" | "min":
                return self.aggregate(AGGREGATE[word])
            case "histogram_quantile":
                self.take("(")
                share = float(self.take())
                self.take(",")
                value = quantile(share, self.sum())
                self.take(")")
                return value
        return select(self.now, word, self.matchers())

    def argument(self) -> Any:
        self.take("(")
        value = self.sum()
        self.take(")")
        return value

    def aggregate(self, reduce: Callable[[Iterable[float]], float]) -> Vector:
        self.take("by"), self.take("(")
        names = [self.take()]
        while self.take(",", ")") == ",":
            names.append(self.take())
        groups: dict[Labels, list[float]] = {}
        for labels, value in self.argument().items():
            key = frozenset(pair for pair in labels if pair[0] in names)
            groups.setdefault(key, []).append(value)
        return {key: reduce(values) for key, values in groups.items()}

    def change(self, kind: str) -> Vector:
        self.take("(")
        name, matchers = self.take(), self.matchers()
        self.take("["), self.take(), self.take("]"), self.take(")")
        older = select(self.before, name, matchers)
        newer = select(self.now, name, matchers)
        seconds = RANGE if kind == "rate" else 1.0
        return {k: (newer[k] - older[k]) / seconds for k in newer if k in older}

    def matchers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if not self.sees("{"):
            return found
        self.take("{")
        while not self.sees("}"):
            name, operator, value = self.take(), self.take("=", "=~"), self.take()
            pattern = value.strip('"')
            found[name] = pattern if operator == "=~" else re.escape(pattern)
            if self.sees(","):
                self.take(",")
        self.take("}")
        return found


def select(scrape: Scrape, name: str, matchers: dict[str, str]) -> Vector:
    return {
        labels: value
        for labels, value in scrape.samples.get(name, {}).items()
        if all(re.fullmatch(m, dict(labels).get(k, "")) for k, m in matchers.items())
    }


def combine(operator: str, one: Any, other: Any) -> Vector:
    count = COUNT[operator]
    if isinstance(one, float):
        return {key: count(one, each) for key, each in other.items()}
    return {key: count(one[key], other[key]) for key in one if key in other}


def quantile(share: float, buckets: Vector) -> Vector:
    """The upper end of the bucket in which it is, or the highest that there is."""
    series: dict[Labels, dict[float, float]] = {}
    for labels, count in buckets.items():
        key = frozenset(pair for pair in labels if pair[0] != "le")
        end = float(dict(labels)["le"].replace("+Inf", "inf"))
        series.setdefault(key, {})[end] = count
    found: Vector = {}
    for key, counts in series.items():
        if counts[inf] > 0:
            highest = max(end for end in counts if end < inf)
            ends = [e for e, n in sorted(counts.items()) if n >= share * counts[inf]]
            found[key] = min(ends[0], highest)
    return found


@pytest.fixture
def rules() -> dict[str, str]:
    """The expressions of the alerts in the documentation, by their names."""
    text = (DOCS / "alerts.yml").read_text(encoding="utf-8")
    [group] = yaml.safe_load(text)["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


@pytest.fixture
def firing(rules: dict[str, str]) -> Callable[..., set[str]]:
    """Tell which alerts fire after two scrapes, some seconds later."""

    def evaluate(before: Scrape, now: Scrape, *, later: float = 0.0) -> set[str]:
        clock = now.at + later
        return {
            name
            for name, text in rules.items()
            if Evaluation(text, before, now, clock).run()
        }

    return evaluate


@pytest.fixture
def nothing() -> Scrape:
    """What Prometheus has where it reaches nobody."""
    return NOTHING


def read_samples(text: str) -> Samples:
    samples: Samples = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            series = samples.setdefault(one.name, {})
            series[frozenset(one.labels.items())] = one.value
    return samples


@pytest.fixture
def scrape() -> Callable[[Worker], Scrape]:
    """Read a worker's metrics as Prometheus does."""

    def read(worker: Worker) -> Scrape:
        _, text = Exposition(worker.vitals.snapshot).write("")
        return Scrape(time.time(), read_samples(text.decode()))

    return read


@pytest.fixture
def looked(scrape: Any, eventually: Any) -> Callable[..., Any]:
    """Read a worker's metrics once they say something."""

    async def read(
        worker: Worker, metric: str, least: float = 0, /, **labels: str
    ) -> Scrape:
        def found() -> Scrape | None:
            now: Scrape = scrape(worker)
            values = [
                value
                for key, value in now.samples.get(metric, {}).items()
                if labels.items() <= dict(key).items()
            ]
            return now if values and max(values) >= least else None

        scraped: Scrape = await eventually(found)
        return scraped

    return read


@pytest.fixture
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a worker look at its queues all the time."""
    monkeypatch.setattr(vitals, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(vitals, "TURN_EVERY", 0.02)
