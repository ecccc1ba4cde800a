"""The log, through structlog: readable on a terminal, one JSON line per event elsewhere. The only door to structlog.

Events are names in the past tense plus facts. Text that comes from outside (a chip's answer, a broker's reason)
cannot move the cursor or forge a line: control characters are escaped.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import structlog

from sensor_gateway.model.log import Log


def open_log(stream: TextIO | None = None, *, level: str = "info") -> Log:
    """A log on ``stream`` (standard error by default), in the form that suits it."""
    out = stream if stream is not None else sys.stderr
    readable = out.isatty()
    renderer: Any
    if readable:
        renderer = structlog.dev.ConsoleRenderer(colors=not os.environ.get("NO_COLOR"), pad_event_to=26)
    else:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _escape_control_characters,
        renderer,
    ]
    levels = {"debug": 10, "info": 20, "warning": 30, "error": 40}
    logger = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(levels[level]),
        context_class=dict,
    )
    return cast("Log", logger)  # structlog's bound logger takes any facts; Log is what we use of it


def escape(text: str) -> str:
    r"""``text`` with every character that a terminal would obey written as ``\x1b`` and the like."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _escape_control_characters(
    _logger: object, _method: str, facts: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key, fact in facts.items():
        if key == "exception":
            facts[key] = "\n".join(escape(line) for line in str(fact).splitlines())
        elif isinstance(fact, str):
            facts[key] = escape(fact)
        elif not isinstance(fact, bool | int | float | type(None)):
            facts[key] = escape(str(fact))
    return facts
