"""A log whose level changes while it runs."""

from __future__ import annotations

import io
import json

import pytest

from sensor_gateway.service.logs import LEVELS, open_log


@pytest.mark.parametrize("level", list(LEVELS))
def test_what_is_below_the_level_is_not_written_and_the_rest_is(level: str) -> None:
    out = io.StringIO()
    log = open_log(out)
    log.level = level
    for name in LEVELS:
        getattr(log, name)("noted")
    written = [json.loads(line)["level"] for line in out.getvalue().splitlines()]
    assert written == [name for name in LEVELS if LEVELS[name] >= LEVELS[level]]


def test_a_log_says_nothing_of_debugging_unless_it_is_asked_to() -> None:
    out = io.StringIO()
    open_log(out).debug("noted")
    assert out.getvalue() == ""
