"""docs/health.md tells of each key, of each alarm and of each word of a closed list."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from sensor_gateway.model.health import Availability
from sensor_gateway.model.reading import ClockState, FailureCode
from sensor_gateway.model.vitals.bus_report import BusState
from sensor_gateway.model.vitals.gateway_health import GatewayAlarm, Health, LeftOut, LinkState
from sensor_gateway.publishing.fleet.gateway_line import BAD_ALARMS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "health.md").read_text("utf-8")
MAPS = {"buses": "buses.NAME", "sensors": "sensors.NAME"}


def paths(kind: type, prefix: str = "") -> list[str]:
    """Of all keys, as the page writes them."""
    found = []
    for name, hint in get_type_hints(kind).items():
        path = f"{prefix}{name}"
        inner = next((one for one in (hint, *get_args(hint)) if isinstance(one, type) and is_dataclass(one)), None)
        if inner is None or name == "sensor_counts":
            found.append(path)
        else:
            found += paths(inner, f"{MAPS.get(path, path)}.")
    return found


def told() -> set[str]:
    """The keys in the first column of the table of keys; a second key of a row belongs to the same object."""
    table = PAGE.partition("## Keys")[2].partition("## Alarms")[0]
    found = set()
    for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE):
        first, *others = re.findall(r"`([^`]+)`", row)
        found |= {first, *(f"{first.rpartition('.')[0]}.{other}".lstrip(".") for other in others)}
    return found


def test_the_page_tells_of_each_key_and_of_no_other() -> None:
    assert told() == set(paths(Health))


def test_the_page_tells_of_each_alarm_and_of_no_other() -> None:
    table = PAGE.partition("## Alarms")[2].partition("## When")[0]
    assert set(re.findall(r"^\| \**`(\w+)`\** \|", table, re.MULTILINE)) == set(GatewayAlarm)


def test_the_alarms_that_make_a_gateway_bad_are_those_in_bold() -> None:
    assert set(re.findall(r"^\| \*\*`(\w+)`\*\* \|", PAGE, re.MULTILINE)) == BAD_ALARMS <= set(GatewayAlarm)


@pytest.mark.parametrize("words", [LinkState, BusState, LeftOut, ClockState, FailureCode, Availability])
def test_the_page_tells_of_each_word(words: type[StrEnum]) -> None:
    assert [word for word in words if f"`{word}`" not in PAGE] == []


def test_every_field_has_a_type_that_says_what_is_in_it() -> None:
    assert {field.name for field in fields(Health)} == set(get_type_hints(Health))
