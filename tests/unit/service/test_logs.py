from __future__ import annotations

import io
import json

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
