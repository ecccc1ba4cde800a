"""Requests, answers and the health message fit their schemas, and what nobody would write does not."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest

from sensor_gateway.config.sections.broker import CommandsSection
from sensor_gateway.model.commands.refusal_code import RefusalCode
from sensor_gateway.model.health import Availability
from sensor_gateway.model.reading import ClockState, FailureCode
from sensor_gateway.model.vitals.bus_report import BusState
from sensor_gateway.model.vitals.gateway_health import (
    BusCondition,
    BytesWritten,
    CommandCounts,
    GatewayAlarm,
    Health,
    LinkHealth,
    LinkState,
    LostEvents,
    Rfc3339,
    SensorCondition,
    SensorCounts,
)
from sensor_gateway.model.vitals.health_json import encoded
from sensor_gateway.publishing.shapes.channels import schema_files
from sensor_gateway.publishing.shapes.commands import REQUESTS
from sensor_gateway.service.reload_requests.answer import Outcome

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "commands.md").read_text("utf-8")
FILES = schema_files()
AT = Rfc3339("2026-11-23T16:00:00.123Z")


@cache
def schema(name: str) -> jsonschema.Draft202012Validator:
    found: Any = FILES[f"{name}.schema.json"]
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def fits(name: str, value: Any) -> bool:
    return bool(schema(name).is_valid(value))


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


ANSWERS = [json.loads(block) for block in blocks("json")]
ASKED = [re.search(r"command/([a-z-]+)[^{]*?(\{.*?\})'", block, re.DOTALL) for block in blocks("sh")]
SOUND = [(found[1], json.loads(found[2])) for found in ASKED if found is not None and found[1] in REQUESTS]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: f"{answer['command']} {answer['result']}")
def test_each_answer_on_the_page_fits_and_one_with_a_key_too_few_or_too_many_does_not(answer: Any) -> None:
    assert fits("response", answer)
    assert not fits("response", {**answer, "extra": 1})
    for key in answer:
        if key not in {"outcome", "changes", "notes", "problems"} or answer["result"] == "done":
            assert not fits("response", {name: value for name, value in answer.items() if name != key}), key
        assert not fits("response", {**answer, key: {"no": ["such"]}}), key


@pytest.mark.parametrize(("command", "request_"), SOUND)
def test_each_request_on_the_page_fits_and_one_with_a_stranger_in_it_does_not(command: str, request_: Any) -> None:
    name = f"{command.replace('-', '_')}_request"
    assert fits(name, request_)
    assert fits(name, {**request_, "transaction": "42", "expires": "2026-11-23T16:00:00Z"})
    assert not fits(name, {**request_, "extra": 1})
    for transaction in ("", "x" * 65, 42):
        assert not fits(name, {**request_, "transaction": transaction})


def test_the_page_shows_each_command() -> None:
    assert {command for command, _ in SOUND} == {*REQUESTS}


def test_what_a_request_must_have_is_missed() -> None:
    assert not fits("read_request", {})
    assert not fits("log_level_request", {"for": "10min"})
    assert not fits("log_level_request", {"level": "error"})
    assert fits("log_level_request", {"level": "debug", "for": "10min"})


def test_the_commands_and_the_closed_lists_are_those_of_the_program() -> None:
    (allowed, *_) = get_args(get_type_hints(CommandsSection)["allow"])
    assert {*get_args(allowed)} == {*REQUESTS}
    base = {"command": "restart", "transaction": None, "result": "refused", "reason": "no"}
    assert all(fits("response", {**base, "code": code.value}) for code in RefusalCode)
    assert not fits("response", {**base, "code": "other"})
    reload = {"command": "reload", "transaction": None, "changes": [], "notes": []}
    for outcome in Outcome:
        is_done = outcome in {Outcome.CHANGED, Outcome.UNCHANGED}
        more = (
            {"result": "done"} if is_done else {"result": "failed", "code": outcome.value, "reason": "", "problems": []}
        )
        assert fits("response", {**reload, **more, "outcome": outcome.value})


def health(**more: Any) -> Any:
    """One in which every key has a value."""
    whole: dict[str, Any] = {
        "time": AT,
        "clock": ClockState.CORRECTED,
        "gateway": "greenhouse",
        "instance": "0123abcd",
        "boot": "1b4e28ba",
        "version": "0.1.0",
        "python": "3.11.7",
        "uptime_s": 1,
        "interval_s": 60.0,
        "link": LinkHealth(state=LinkState.CONNECTED, since=AT, reason="", protocol="5"),
        "reconnects": 0,
        "buffered": 1,
        "oldest": AT,
        "full_in_s": 10,
        "sent": 1,
        "acknowledged": 1,
        "no_subscriber": 0,
        "lost_total": 0,
        "lost": LostEvents(),
        "purged": 0,
        "bytes_written": BytesWritten(total=1, per_day=1),
        "alarms": tuple(GatewayAlarm),
        "configuration": "faulty",
        "commands": CommandCounts(done=1, failed=2, refused=3),
        "sensor_counts": SensorCounts(),
        "buses": {
            "i2c1": BusCondition(
                state=BusState.ALIVE, load=0.5, error_rate=0.5, transfers=1, errors=0, missed=0, put_off=0
            )
        },
        "sensors": {
            "attic": SensorCondition(
                state=Availability.OFFLINE,
                code=FailureCode.NACK,
                reason="no",
                since=AT,
                last_good=AT,
                polls=1,
                failures=0,
            )
        },
    }
    return json.loads(encoded(Health(**{**whole, **more})))


def objects(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], str]]:
    """The place of each key."""
    if not isinstance(value, dict):
        return []
    is_map = path in {("buses",), ("sensors",)}
    own = [] if is_map else [(path, key) for key in value]
    return own + [found for key, inner in value.items() for found in objects(inner, (*path, key))]


def test_the_health_message_fits_with_all_and_with_nothing_known() -> None:
    assert fits("health", health())
    nothing = BytesWritten(total=None, per_day=None)
    bare = health(
        interval_s=None, oldest=None, full_in_s=None, commands=None, bytes_written=nothing, buses={}, sensors={}
    )
    assert fits("health", bare)


@pytest.mark.parametrize(("path", "key"), objects(health()))
def test_a_health_message_with_a_key_too_few_too_many_or_of_another_type_is_found(
    path: tuple[Any, ...], key: str
) -> None:
    def changed(change: Any) -> Any:
        copy = deepcopy(health())
        holder = copy
        for step in path:
            holder = holder[step]
        change(holder)
        return copy

    assert not fits("health", changed(lambda holder: holder.pop(key)))
    assert not fits("health", changed(lambda holder: holder.update(extra=1)))
    assert not fits("health", changed(lambda holder: holder.update({key: [["x"]]})))


@pytest.mark.parametrize(
    "change",
    [
        {"time": "2026-11-23T16:00:00Z"},
        {"oldest": "2026-11-23 16:00:00.123Z"},
        {"alarms": ["smoke"]},
        {"clock": "right"},
        {"schema_version": 2},
    ],
    ids=str,
)
def test_a_health_message_with_a_time_or_a_word_that_is_none_is_found(change: dict[str, object]) -> None:
    assert not fits("health", {**health(), **change})
