from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.cli.event_line import event_line, json_line

EVENT = {
    "type": "value", "gateway": "house", "sensor": "attic", "channel": "temperature", "value": 21.5, "unit": "°C",
    "quality": "good", "reason": "change", "time": "2026-11-23T16:00:00.123Z", "clock": "synced",
}  # fmt: skip


def words(**changes: Any) -> list[str]:
    return event_line({**EVENT, **changes}).split()


def test_a_value_is_shown_with_its_time_unit_and_reason() -> None:
    assert words() == ["2026-11-23T16:00:00.123Z", "attic.temperature", "21.5", "°C", "change"]


def test_no_digit_of_a_value_is_lost() -> None:
    assert "1234567.8" in words(value=1234567.8)


def test_a_fault_says_why_there_is_no_value() -> None:
    line = event_line({**EVENT, "value": None, "quality": "bad", "code": "nack", "reason": "fault"})
    assert "no value (nack)" in line
    assert line.endswith("fault")


def test_what_is_unusual_about_an_event_is_remarked() -> None:
    line = event_line({**EVENT, "quality": "uncertain", "replayed": True, "clock": "unsynced"})
    assert line.endswith("change, uncertain, replayed, clock not set")


def test_a_gap_tells_how_many_are_missing_and_why() -> None:
    line = event_line({"type": "gap", "from_seq": 3, "to_seq": 7, "count": 5, "cause": "limit", "from_time": None})
    assert "gap: events are missing here, cause limit, count 5, from_seq 3, to_seq 7" in line


def test_with_several_gateways_each_line_names_its_own() -> None:
    assert "house" not in words()
    assert "house" in event_line(EVENT, with_gateway=True).split()


@pytest.mark.parametrize("odd", [None, 5, "text", [], {}, {"type": "value"}, {"type": 7, "value": {}}, {"value": []}])
def test_what_is_no_event_is_shown_on_one_line_all_the_same(odd: object) -> None:
    assert event_line(odd).isprintable()


@given(text=st.text())
def test_no_text_from_outside_reaches_the_terminal_as_a_command(text: str) -> None:
    event = {**EVENT, "sensor": text, "unit": text, "reason": text}
    assert event_line(event, with_gateway=True).isprintable()
    line = json_line(event)
    assert line.isprintable()
    assert json.loads(line) == event


def test_a_line_of_json_keeps_letters_as_they_are() -> None:
    assert "°C" in json_line(EVENT)
