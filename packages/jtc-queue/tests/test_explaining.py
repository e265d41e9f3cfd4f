from __future__ import annotations

import pytest

from jtc.queue.explaining import explain
from jtc.schedule import InvalidCronExpression


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("30 7 * * mon", "At 07:30 on Monday"),
        ("*/30 * * * * *", "Every 30th second of every minute"),
        ("0 0 LW * *", "At 00:00 on the last weekday of every month"),
        ("@hourly", "At the start of every hour"),
        (1, "Every second"),
        (90, "Every 90 seconds"),
        (60, "Every minute"),
        (5400, "Every 90 minutes"),
        (86_400, "Every day"),
        (14 * 86_400, "Every 14 days"),
    ],
)
def test_a_schedule_has_words(schedule: str | int, words: str) -> None:
    assert explain(schedule) == words


@pytest.mark.parametrize("expression", ["0 61 * * *", "0 0 30 2 *", "@often", "daily"])
def test_what_is_no_schedule_is_refused_by_name(expression: str) -> None:
    with pytest.raises(InvalidCronExpression, match=expression.replace("*", r"\*")):
        explain(expression)
