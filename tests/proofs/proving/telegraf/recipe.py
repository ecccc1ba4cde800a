"""The settings that docs/recipes.md gives to Telegraf, and what they make of a message, read a second time."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from proving.telegraf.point import Field, Point

ROOT = Path(__file__).resolve().parents[4]
(RECIPE,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "recipes.md").read_text("utf-8"), re.DOTALL)
ANSWER = ROOT / "tests" / "data" / "telegraf_points.json"
"""What a real Telegraf made of messages: see ``record.py``."""

TIME = "2006-01-02T15:04:05Z07:00"
"""Go's reference time. Go reads a fraction behind the seconds though the layout has none."""
_QUERY = re.compile(r'#\((?P<key>\w+)(?P<verb>==|!=)"(?P<text>\w+)"\)#')
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES = {"int": int, "float": float}


def consumer() -> dict[str, Any]:
    """The section of the input."""
    (found,) = tomllib.loads(RECIPE)["inputs"]["mqtt_consumer"]
    return dict(found)


def output() -> dict[str, Any]:
    """The section of the output."""
    (found,) = tomllib.loads(RECIPE)["outputs"]["influxdb_v2"]
    return dict(found)


def points(events: Sequence[Mapping[str, Any]]) -> list[Point]:
    """What Telegraf makes of one message: a null is no field, and a time that is not named is that of the arrival."""
    return [
        _point(parser["measurement_name"], wanted, event)
        for parser in consumer()["json_v2"]
        for wanted in parser["object"]
        for event in _chosen(wanted["path"], events)
    ]


def _chosen(path: str, events: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The queries of a GJSON path, one behind the other. An event without the key is not chosen, whatever the verb."""
    chosen = list(events)
    for query in path.split("|"):
        found = _QUERY.fullmatch(query)
        assert found is not None, query
        key, verb, text = found.groups()
        chosen = [event for event in chosen if key in event and (event[key] == text) == (verb == "==")]
    return chosen


def _point(measurement: str, wanted: Mapping[str, Any], event: Mapping[str, Any]) -> Point:
    named = wanted.get("timestamp_key")
    types = wanted.get("fields", {})
    fields: dict[str, Field] = {}
    for key in wanted["included_keys"]:
        value = event.get(key)
        if value is not None and key != named:
            fields[key] = _TYPES.get(types.get(key, ""), lambda it: it)(value)
    return Point(
        measurement=measurement,
        tags={key: event[key] for key in wanted["tags"]},
        fields=fields,
        time_ns=_nanoseconds(event[named]) if named else None,
    )


def _nanoseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1) * 1000
