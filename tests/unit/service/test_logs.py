from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from sensor_gateway.service.logs import escape, open_log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_than_on_a_terminal_each_event_is_one_json_line() -> None:
    out = io.StringIO()
    log = open_log(out)
    log.warning("sensor_lost", sensor="attic", reason="line one\nline two", unit="°C")
    lines = out.getvalue().splitlines()
    assert len(lines) == 1
    entry = json.loads(lines[0])
    assert entry["event"] == "sensor_lost"
    assert entry["level"] == "warning"
    assert entry["reason"] == "line one\\nline two"
    assert entry["unit"] == "°C"


def test_text_from_outside_cannot_forge_a_line_or_move_the_cursor_of_a_terminal() -> None:
    out = Terminal()
    open_log(out).info("broker_refused", reason="\x1b[2Jforged\n2026 sensor_recovered \u202e")
    text = out.getvalue()
    assert text.count("\n") == 1
    assert "\x1b[2J" not in text
    assert "\u202e" not in text


def test_a_traceback_stands_in_the_entry_of_its_event() -> None:
    out = io.StringIO()
    log = open_log(out)
    try:
        int("no\x1b such")
    except ValueError:
        log.error("thread_ended", exc_info=True)
    entry = json.loads(out.getvalue())
    assert "no\\x1b such" in entry["exception"]


def test_escape_leaves_printable_text_alone() -> None:
    assert escape("21.5 °C µg/m³") == "21.5 °C µg/m³"
    assert escape("a\tb") == "a\\tb"


def test_facts_keep_their_json_types_and_are_escaped_all_the_way_down() -> None:
    out = io.StringIO()
    values = {"temperature": 21.5, "note\x1b": ["a\nb", None, True, 3, {"deep": ("x\x07",)}], "bad": float("nan")}
    open_log(out).info("sensor_first_reading", values=values, file=Path("/a"), names={"one"})
    assert "\x1b" not in out.getvalue()
    entry = json.loads(out.getvalue(), parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
    assert entry["values"] == {
        "temperature": 21.5,
        "note\\x1b": ["a\\nb", None, True, 3, {"deep": ["x\\x07"]}],
        "bad": "nan",
    }
    assert (entry["file"], entry["names"]) == ("/a", ["one"])


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_has_colours_unless_they_are_declined(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in logged(Terminal())
    monkeypatch.setenv(variable, value)
    text = logged(Terminal())
    assert "\x1b[" not in text
    assert "sensor_lost" in text
    assert "reason=unplugged" in text


def test_the_readable_form_may_be_asked_for_and_is_plain_where_it_is_no_terminal() -> None:
    out = io.StringIO()
    open_log(out, is_readable=True, level="warning").info("sensor_first_reading")
    open_log(out, is_readable=True, level="warning").warning("sensor_lost", reason="unplugged")
    assert "\x1b[" not in out.getvalue()
    assert out.getvalue().count("\n") == 1
    assert "reason=unplugged" in out.getvalue()


@pytest.mark.parametrize("error", [BrokenPipeError, OSError(28, "No space left"), ValueError("closed file")])
def test_a_log_that_cannot_be_written_stops_nobody(error: BaseException | type[BaseException]) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise error

    open_log(Broken()).warning("sensor_lost")


def logged(out: io.StringIO) -> str:
    open_log(out).warning("sensor_lost", reason="unplugged")
    return out.getvalue()
