"""The log, through structlog, to which this is the only door: a terminal's lines, the journal's records, or JSON lines.

Events are names in the past tense plus facts. Text that comes from outside (a chip's answer, a broker's reason)
cannot move the cursor or forge a line: control characters are escaped. A log that cannot be written stops nobody.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any, Final, TextIO, cast

import structlog

from sensor_gateway.model.log import Log
from sensor_gateway.service.systemd.journal import Journal, is_journal

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class AdjustableLog:
    """A Log whose least ``level`` may be changed at any time, by any thread."""

    def __init__(self, log: Log, *, level: str = "info") -> None:
        """Write to ``log`` what is of this level or above."""
        self.level = level
        self._log = log

    def debug(self, event: str, /, **facts: object) -> None:
        """What helps while somebody looks for a fault."""
        if LEVELS[self.level] <= LEVELS["debug"]:
            self._log.debug(event, **facts)

    def info(self, event: str, /, **facts: object) -> None:
        """What an operator would want to read tomorrow."""
        if LEVELS[self.level] <= LEVELS["info"]:
            self._log.info(event, **facts)

    def warning(self, event: str, /, **facts: object) -> None:
        """Something is wrong, and the gateway goes on."""
        if LEVELS[self.level] <= LEVELS["warning"]:
            self._log.warning(event, **facts)

    def error(self, event: str, /, **facts: object) -> None:
        """Something is wrong, and somebody must act."""
        self._log.error(event, **facts)


def open_log(stream: TextIO | None = None, *, level: str = "info", is_readable: bool | None = None) -> AdjustableLog:
    """A log on ``stream`` (standard error by default), in the form that suits it unless ``is_readable`` says which."""
    out = stream if stream is not None else sys.stderr
    sink = _Sink(out)
    writer: object = structlog.WriteLogger(cast("TextIO", sink))  # of a file it uses write and flush alone
    stamps: list[Any] = [structlog.processors.TimeStamper(fmt="iso", utc=True)]
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if is_readable is None and is_journal(out, os.environ):
        writer, stamps, renderer = _JournalWriter(Journal(otherwise=sink.write_line)), [], _as_record
    elif out.isatty() if is_readable is None else is_readable:
        renderer = structlog.dev.ConsoleRenderer(
            colors=has_colours(out), pad_event_to=26, exception_formatter=structlog.dev.plain_traceback
        )
    logger = structlog.wrap_logger(
        writer,
        processors=[
            structlog.processors.add_log_level,
            *stamps,
            structlog.processors.format_exc_info,
            _escape_control_characters,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS["debug"]),
        context_class=dict,
    )
    return AdjustableLog(cast("Log", logger), level=level)  # structlog's bound logger takes any facts


def has_colours(stream: TextIO) -> bool:
    """Whether colours are wanted there: on a terminal that has them, unless NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def escape(text: str) -> str:
    r"""``text`` with every character that a terminal would obey written as ``\x1b`` and the like."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


class _Sink:
    """Where the lines go. Nobody may stop measuring because the reader of the log went away, or its disk is full."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def write_line(self, text: str) -> None:
        self.write(text + "\n")
        self.flush()

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


class _JournalWriter:
    """What structlog calls at the end: the method of the level, with what ``_as_record`` gave."""

    def __init__(self, journal: Journal) -> None:
        self.debug = self.info = self.warning = self.error = journal.write


def _as_record(
    _logger: object, method: str, facts: MutableMapping[str, Any]
) -> tuple[tuple[object, ...], dict[str, Any]]:
    level = str(facts.pop("level", method))
    return (level, str(facts.pop("event")), dict(facts)), {}


def _escape_control_characters(
    _logger: object, _method: str, facts: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key, fact in facts.items():
        if key == "exception":
            facts[key] = "\n".join(escape(line) for line in str(fact).splitlines())
        else:
            facts[key] = _escaped(fact)
    return facts


def _escaped(fact: object) -> object:
    """``fact`` in the types that JSON has, with no character in it that a terminal would obey."""
    if isinstance(fact, str):
        return escape(str(fact))
    if fact is None or isinstance(fact, bool | int):
        return fact
    if isinstance(fact, float):
        return fact if math.isfinite(fact) else str(fact)
    if isinstance(fact, Mapping):
        return {escape(str(key)): _escaped(inner) for key, inner in fact.items()}
    if isinstance(fact, list | tuple | set | frozenset):
        return [_escaped(inner) for inner in fact]
    return escape(str(fact))
