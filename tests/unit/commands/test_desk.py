"""What is answered, what is written down, and what is counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import inf
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proving.logs import Journal

from sensor_gateway.changes.rules import Absolute, ChangeRules
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.driver_spec import BusKind, DriverSpec, NoOptions, Variant
from sensor_gateway.model.event import Quality
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.model.units import Seconds
from sensor_gateway.publishing.incoming import Incoming, Reply
from sensor_gateway.sensing.plan import ChannelPlan, SensorPlan
from sensor_gateway.sensing.polling.knowledge import ChannelKnowledge, ReadAnswer, ReadRequest
from sensor_gateway.service.commands.desk import CommandDesk
from sensor_gateway.service.commands.judge import ANSWER_WITHIN_S, CommandLimits
from sensor_gateway.service.commands.log_level import LogLevelCommand
from sensor_gateway.service.commands.reading import ReadCommand
from sensor_gateway.service.logs import AdjustableLog

CHANNEL = Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=125, resolution=0.01)


def plan(name: str, kind: BusKind = BusKind.I2C) -> SensorPlan:
    spec = DriverSpec(
        name="x1",
        summary="a chip of the tests",
        bus=kind,
        variants={"x1": Variant(channels=(CHANNEL,))},
        create=lambda *_: None,  # type: ignore[arg-type,return-value]
        replay=lambda _: {},
        vectors=(),
    )
    rules = ChangeRules(deadband=Absolute(by=0), heartbeat_ms=None, at_most_ms=0, interval_ms=1000, filters=())
    channel = ChannelPlan(source=Source(sensor=name, channel=CHANNEL), rules=rules, is_published=True)
    return SensorPlan(
        name=name,
        spec=spec,
        variant="x1",
        options=NoOptions(),
        address=0x10,
        interval_s=Seconds(1.0),
        channels=(channel,),
    )


class Bus:
    """A bus that is asked, and answers on command."""

    def __init__(self, name: str, *sensors: SensorPlan) -> None:
        self.name = name
        self.sensors = sensors
        self.is_hung = False
        self.is_full = False
        self.asked: list[ReadRequest] = []
        self.said: list[ReadAnswer] = []

    @property
    def enquiries(self) -> Bus:
        return self

    def put(self, request: ReadRequest) -> bool:
        if not self.is_full:
            self.asked.append(request)
        return not self.is_full

    def answers(self) -> list[ReadAnswer]:
        said, self.said = self.said, []
        return said


class Desk:
    """A desk in virtual time, with two buses behind it."""

    def __init__(self, limits: CommandLimits, request_in: Any, stamp_at: Any) -> None:
        self.i2c = Bus("i2c1", plan("attic"), plan("bench"))
        self.line = Bus("rs485", plan("meter", BusKind.SERIAL_STREAM))
        self.log = Journal()
        self.leveled = AdjustableLog(self.log)
        self._commands = {
            "read": ReadCommand(lambda: (self.i2c, self.line)),
            "log-level": LogLevelCommand(self.leveled),
        }
        self.desk = CommandDesk(limits, self._commands, log=self.leveled)  # type: ignore[arg-type]
        self.now_s = 0.0
        self._request_in, self._stamp_at = request_in, stamp_at

    def ask(self, *request: Any, **more: Any) -> list[dict[str, Any]]:
        said = self.desk.hear(self._request_in(*request, **more), self.now_s, self._stamp_at(self.now_s))
        return [_read(reply) for reply in said]

    def tend(self, now_s: float | None = None) -> list[dict[str, Any]]:
        self.now_s = self.now_s if now_s is None else now_s
        return [_read(reply) for reply in self.desk.tend(self.now_s, self._stamp_at(self.now_s))]

    def knows(self, number: int, value: float = 21.5, **more: Any) -> None:
        known = ChannelKnowledge(
            channel="temperature", value=value, unit="°C", quality=Quality.GOOD, code=None, reason=""
        )
        facts = {"channels": (known,), "code": None, "reason": "", **more}
        self.i2c.said.append(ReadAnswer(number=number, stamp=self._stamp_at(self.now_s), **facts))


def _read(reply: Reply) -> dict[str, Any]:
    return {"topic": reply.topic, "correlation": reply.correlation, **json.loads(reply.payload)}


@pytest.fixture
def desk(limits: CommandLimits, request_in: Callable[..., Any], stamp_at: Callable[..., Any]) -> Desk:
    return Desk(limits, request_in, stamp_at)


def test_a_reading_is_answered_when_its_bus_has_it(desk: Desk) -> None:
    asked = {"sensor": "attic", "transaction": "t1"}
    assert desk.ask(asked, response_topic="me", correlation=b"7") == []
    assert [request.sensor for request in desk.i2c.asked] == ["attic"]
    assert desk.tend(1.0) == []
    desk.knows(desk.i2c.asked[0].number)
    (answer,) = desk.tend(1.5)
    assert answer == {
        "topic": "me",
        "correlation": b"7",
        "command": "read",
        "transaction": "t1",
        "result": "done",
        "sensor": "attic",
        "time": "2026-11-25T16:00:01.000Z",
        "channels": {"temperature": {"value": 21.5, "unit": "°C", "quality": "good"}},
    }
    assert desk.desk.counters.done == 1
    assert desk.log.names() == ["command_accepted"]


def test_a_failure_is_answered_with_its_code_and_reason(desk: Desk) -> None:
    desk.ask({"sensor": "attic"})
    desk.knows(desk.i2c.asked[0].number, code=FailureCode.NACK, reason="nobody there", channels=())
    (answer,) = desk.tend()
    assert (answer["result"], answer["code"], answer["reason"]) == ("failed", "nack", "nobody there")
    assert desk.desk.counters.failed == 1
    assert desk.log.facts("command_failed")[0]["code"] == "nack"


def test_answers_find_their_askers_in_any_order(desk: Desk) -> None:
    desk.ask({"sensor": "attic", "transaction": "a"})
    desk.ask({"sensor": "bench", "transaction": "b"})
    first, second = (request.number for request in desk.i2c.asked)
    desk.knows(second, 2.0)
    desk.knows(999)
    desk.knows(first, 1.0)
    assert [(answer["transaction"], answer["sensor"]) for answer in desk.tend()] == [("b", "bench"), ("a", "attic")]
    desk.knows(first)
    assert desk.tend() == []


def test_a_bus_that_does_not_answer_is_told_of_in_time_and_its_late_answer_is_dropped(desk: Desk) -> None:
    desk.ask({"sensor": "attic"})
    assert desk.desk.wait_s(0.0) == ANSWER_WITHIN_S
    assert desk.tend(ANSWER_WITHIN_S - 0.1) == []
    (answer,) = desk.tend(ANSWER_WITHIN_S)
    assert answer["code"] == "timeout"
    assert desk.desk.wait_s(ANSWER_WITHIN_S) == inf
    desk.knows(desk.i2c.asked[0].number)
    assert desk.tend() == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "bad_argument"),
        ({"sensor": 7}, "bad_argument"),
        ({"sensor": ["attic"]}, "bad_argument"),
        ({"sensor": "attic", "channel": "temperature"}, "bad_argument"),
        ({"sensor": "cellar"}, "unknown_sensor"),
        ({"sensor": "meter"}, "not_askable"),
    ],
)
def test_what_cannot_be_read_is_answered_at_once(desk: Desk, arguments: dict[str, Any], code: str) -> None:
    (answer,) = desk.ask(arguments)
    assert (answer["result"], answer["code"]) == ("failed", code)
    assert desk.i2c.asked == []


def test_a_bus_that_hangs_or_has_enough_to_do_is_answered_at_once(desk: Desk) -> None:
    desk.i2c.is_full = True
    assert desk.ask({"sensor": "attic"})[0]["code"] == "busy"
    desk.i2c.is_hung = True
    assert desk.ask({"sensor": "attic"})[0]["code"] == "bus_stuck"


def test_more_is_logged_for_a_while_and_then_as_before(desk: Desk) -> None:
    (answer,) = desk.ask({"level": "debug", "for": "10min"}, "log-level")
    assert (answer["result"], answer["level"], answer["for_s"]) == ("done", "debug", 600.0)
    assert desk.leveled.level == "debug"
    assert desk.desk.wait_s(0.0) == 600.0
    desk.tend(599.9)
    assert desk.leveled.level == "debug"
    desk.tend(600.0)
    assert desk.leveled.level == "info"
    assert [facts["level"] for facts in desk.log.facts("log_level_changed")] == ["debug", "info"]
    assert desk.desk.wait_s(600.0) == inf


def test_a_second_request_sets_the_end_anew_and_info_ends_it(desk: Desk) -> None:
    desk.ask({"level": "debug", "for": "10min"}, "log-level")
    desk.now_s = 300.0
    desk.ask({"level": "debug", "for": "10min"}, "log-level")
    desk.tend(600.0)
    assert desk.leveled.level == "debug"
    desk.ask({"level": "info"}, "log-level")
    assert desk.leveled.level == "info"
    assert desk.desk.wait_s(600.0) == inf


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"level": "error"},
        {"level": "warning", "for": "1min"},
        {"level": ["debug"]},
        {"level": "debug", "for": 600},
        {"level": "debug", "for": "600"},
        {"level": "debug", "for": "0s"},
        {"level": "debug", "for": "25h"},
        {"level": "debug", "until": "now"},
    ],
)
def test_the_log_is_never_made_to_say_less_nor_more_without_an_end(desk: Desk, arguments: dict[str, Any]) -> None:
    (answer,) = desk.ask(arguments, "log-level")
    assert (answer["result"], answer["code"]) == ("failed", "bad_argument")
    assert desk.leveled.level == "info"


def test_a_refusal_is_answered_counted_and_written_down(desk: Desk) -> None:
    (answer,) = desk.ask(b"{")
    assert (answer["result"], answer["code"]) == ("refused", "malformed")
    assert answer["topic"] == "sensors/v1/house/response/read"
    assert desk.ask({}, is_retained=True) == []
    refused = desk.desk.counters.refused
    assert {code.value: count for code, count in refused.items() if count} == {"malformed": 1, "retained": 1}
    assert [facts["code"] for facts in desk.log.facts("command_refused")] == ["malformed", "retained"]


def test_a_flood_of_refusals_does_not_fill_the_log_and_is_counted_whole(desk: Desk) -> None:
    for number in range(10_000):
        desk.now_s = number / 1000
        desk.ask(b"{")
    lines = desk.log.facts("command_refused")
    assert len(lines) <= 10
    unlogged = sum(facts.get("unlogged", 0) for facts in lines)
    assert 0 < unlogged < 10_000
    assert sum(desk.desk.counters.refused.values()) == 10_000


def test_a_line_of_the_audit_is_short_whatever_was_sent(desk: Desk) -> None:
    desk.ask({"sensor": "x" * 3900})
    desk.ask({}, "n" * 5000)
    assert all(len(str(facts)) < 1000 for _, facts in desk.log.lines)


def test_nothing_that_was_sent_leaves_a_surrogate_in_the_answer(desk: Desk) -> None:
    (answer,) = desk.ask(b'{"sensor": "\\ud800"}')
    assert answer["code"] == "unknown_sensor"


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_payload_of_any_depth_is_judged_and_never_raises(desk: Desk, opening: bytes) -> None:
    """Also just below the depth that the interpreter takes, where whoever shows the value goes a step too deep."""
    closing = b"]" if opening == b"[" else b"}"
    for depth in [*range(1, 1200, 7), *range(800, 1010)]:
        desk.now_s += 2.0
        (answer,) = desk.ask(b'{"sensor": ' + opening * depth + b"1" + closing * depth + b"}")
        assert answer["code"] in {"malformed", "bad_argument", "too_large"}


strange = st.builds(
    Incoming,
    topic=st.text(max_size=30) | st.sampled_from(["sensors/v1/house/command/read", "sensors/v1/house/command/"]),
    payload=st.binary(max_size=100) | st.sampled_from([b'{"sensor":"attic"}', b'{"level":"debug"}', b"[" * 100_000]),
    is_retained=st.booleans(),
    expiry_s=st.none() | st.integers(0, 2**32 - 1),
    response_topic=st.none() | st.text(max_size=300),
    correlation=st.none() | st.binary(max_size=100),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(came=st.lists(strange, max_size=20))
def test_whatever_comes_the_desk_raises_nothing_and_says_at_most_one_whole_answer(
    limits: CommandLimits, request_in: Callable[..., Any], stamp_at: Callable[..., Any], came: list[Incoming]
) -> None:
    desk = Desk(limits, request_in, stamp_at)
    for incoming in came:
        said = desk.desk.hear(incoming, desk.now_s, stamp_at())
        assert len(said) <= 1
        assert all(json.loads(reply.payload.decode())["result"] in {"done", "failed", "refused"} for reply in said)
        desk.tend(desk.now_s + 1.0)
    assert sum(desk.desk.counters.refused.values()) <= len(came)
