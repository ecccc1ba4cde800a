"""What we write fits the published schemas, and what we would never write does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NewType

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.changes.rules import Absolute, ChangeRules, Relative
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, EpochStart, EventType, Gap, GapCause, Quality, Reason
from sensor_gateway.model.event_json import EventEncoder, corrected
from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.position import Epoch
from sensor_gateway.model.quantity import QUANTITIES, TEMPERATURE, other
from sensor_gateway.model.reading import ClockState, FailureCode, Stamp
from sensor_gateway.publishing.messages import Program, Topics, availability, last_will, replayed, stale, status
from sensor_gateway.publishing.meta import Labels, meta
from sensor_gateway.publishing.shapes.channels import MqttChannel, channels, schema_files
from sensor_gateway.publishing.shapes.json_schema import Presence, Says, Undescribed, object_schema
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.plan import ChannelPlan, SensorPlan

STAMP = Stamp(uptime_ms=86_400_123, wall_ms=1_795_449_600_123, clock=ClockState.SYNCED)
EPOCH = "000012-7f3c9a2e"
SOURCE = Source(
    sensor="attic", channel=Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=125, resolution=0.01)
)
PROGRAM = Program(instance="8c1f", version="0.1.0")
RULES = ChangeRules(deadband=Absolute(by=0.1), heartbeat_ms=None, at_most_ms=0, interval_ms=1000, filters=())
FILES = schema_files()

names = st.from_regex(r"\A[a-z0-9_-]{1,64}\Z")
uptimes = st.integers(0, 2**53)
stamps = st.builds(Stamp, uptime_ms=uptimes, wall_ms=st.integers(-(10**13), 10**15), clock=st.sampled_from(ClockState))
quantities = st.sampled_from(list(QUANTITIES.values())) | st.text(min_size=1).map(other)
sources = st.builds(
    lambda sensor, channel, quantity: Source(
        sensor=sensor, channel=Channel(name=channel, quantity=quantity, low=-1, high=1, resolution=1)
    ),
    names,
    names,
    quantities,
)
encoders = st.builds(EventEncoder, names, st.just("1b4e28ba"))
epochs = st.builds(Epoch, ordinal=st.integers(0, 10**7), random=st.integers(0, 2**32 - 1))
seqs = st.integers(1, 2**63)
places = st.tuples(epochs.map(str), seqs)


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = FILES[f"{name}.schema.json"]
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


VALIDATORS = {name.removesuffix(".schema.json"): validator(name.removesuffix(".schema.json")) for name in FILES}


def fits(name: str, payload: bytes) -> bool:
    return bool(VALIDATORS[name].is_valid(json.loads(payload)))


def stream_of(body: bytes) -> bytes:
    return b"[" + body + b"]"


def sample_events() -> dict[str, bytes]:
    encoder = EventEncoder("greenhouse", "1b4e28ba")
    good = ChangeEvent(source=SOURCE, value=21.5, quality=Quality.GOOD, reason=Reason.CHANGE, code=None, stamp=STAMP)
    bad = ChangeEvent(
        source=SOURCE, value=None, quality=Quality.BAD, reason=Reason.FAULT, code=FailureCode.NACK, stamp=STAMP
    )
    epoch = Epoch(ordinal=12, random=0x7F3C9A2E)
    gap = Gap(
        epoch=epoch, from_seq=3, to_seq=9, before_seq=None, count=7, from_wall_ms=1, to_wall_ms=2, cause=GapCause.AGE
    )
    refused = Gap(
        epoch=epoch, from_seq=None, to_seq=None, before_seq=4, count=1, from_wall_ms=None, to_wall_ms=None,
        cause=GapCause.LIMIT,
    )  # fmt: skip
    return {
        "value": encoder.value(good, EPOCH, 184_467),
        "fault": encoder.value(bad, EPOCH, 2),
        "epoch": encoder.epoch_start(EpochStart(previous=None, previous_last_seq=None, stamp=STAMP), EPOCH, 1),
        "clock": encoder.clock(1_795_363_200_000, STAMP, EPOCH, 5),
        "gap": encoder.gap(gap),
        "refused": encoder.gap(refused),
    }


def sample_messages() -> dict[str, tuple[str, bytes]]:
    """Each kind of payload that is an object: the schema's name, and an example that we wrote."""
    plan = SensorPlan(
        name="attic",
        spec=DriverCatalogue().spec("bme280"),
        variant="bme280",
        options=None,
        address=0x76,
        interval_s=10.0,
        channels=(ChannelPlan(source=SOURCE, rules=RULES, is_published=True),),
    )
    state = SensorState(
        sensor="attic", state=Availability.OFFLINE, code=FailureCode.NACK, reason="no answer", since=STAMP
    )
    return {
        "online": ("status", status("online", PROGRAM, STAMP)),
        "will": ("status", last_will(PROGRAM)),
        "availability": ("availability", availability(state)),
        "state": ("state", sample_events()["value"]),
        "state of a fault": ("state", sample_events()["fault"]),
        "stale": ("state", stale(SOURCE, "greenhouse", "1b4e28ba", STAMP)),
        "meta": ("meta", meta([plan], gateway="greenhouse", version="0.1.0", labels=Labels(gateway="North"))),
    }


# What we write


@given(
    encoders,
    sources,
    stamps,
    places,
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([Quality.GOOD, Quality.UNCERTAIN]),
)
def test_every_good_event_fits_fresh_late_and_with_its_time_put_right(
    encoder: EventEncoder, source: Source, stamp: Stamp, place: tuple[str, int], value: float, quality: Quality
) -> None:
    event = ChangeEvent(source=source, value=value, quality=quality, reason=Reason.CHANGE, code=None, stamp=stamp)
    body = encoder.value(event, *place)
    assert fits("events", stream_of(body))
    assert fits("state", body)
    assert fits("events", stream_of(replayed(body)))
    assert fits("events", stream_of(corrected(body, 1_795_449_600_123)))


@given(
    encoders, sources, stamps, places, st.sampled_from(FailureCode), st.sampled_from([Reason.FAULT, Reason.HEARTBEAT])
)
def test_every_fault_fits(
    encoder: EventEncoder, source: Source, stamp: Stamp, place: tuple[str, int], code: FailureCode, reason: Reason
) -> None:
    event = ChangeEvent(source=source, value=None, quality=Quality.BAD, reason=reason, code=code, stamp=stamp)
    body = encoder.value(event, *place)
    assert fits("events", stream_of(body))
    assert fits("state", body)


@given(encoders, stamps, epochs, st.none() | epochs, st.none() | st.integers(0, 2**63), st.integers(-(10**13), 10**15))
def test_every_epoch_and_clock_event_fits(
    encoder: EventEncoder, stamp: Stamp, epoch: Epoch, previous: Epoch | None, last: int | None, offset_ms: int
) -> None:
    start = EpochStart(previous=previous, previous_last_seq=last, stamp=stamp)
    assert fits("events", stream_of(encoder.epoch_start(start, str(epoch), 1)))
    assert fits("events", stream_of(encoder.clock(offset_ms, stamp, str(epoch), 7)))


@given(encoders, epochs, st.tuples(seqs, st.none() | seqs), seqs, st.none() | uptimes, st.sampled_from(GapCause))
def test_every_gap_fits(
    encoder: EventEncoder, epoch: Epoch, ends: tuple[int, int | None], count: int, at_ms: int | None, cause: GapCause
) -> None:
    seq, to_seq = ends
    gap = Gap(
        epoch=epoch,
        from_seq=None if to_seq is None else seq,
        to_seq=to_seq,
        before_seq=seq if to_seq is None else None,
        count=count,
        from_wall_ms=at_ms,
        to_wall_ms=at_ms,
        cause=cause,
    )
    assert fits("events", stream_of(encoder.gap(gap)))


@pytest.mark.parametrize("kind", sample_messages())
def test_every_retained_message_fits(kind: str) -> None:
    name, payload = sample_messages()[kind]
    VALIDATORS[name].validate(json.loads(payload))


@given(st.sampled_from(Availability), st.none() | st.sampled_from(FailureCode), st.text(), stamps)
def test_every_availability_fits(state: Availability, code: FailureCode | None, reason: str, since: Stamp) -> None:
    assert fits(
        "availability", availability(SensorState(sensor="s", state=state, code=code, reason=reason, since=since))
    )


@given(sources, stamps)
def test_every_stale_state_fits_and_no_stream_takes_it(source: Source, stamp: Stamp) -> None:
    payload = stale(source, "greenhouse", "1b4e28ba", stamp)
    assert fits("state", payload)
    assert not fits("events", stream_of(payload))


def test_a_relative_deadband_fits() -> None:
    name, payload = sample_messages()["meta"]
    fields = json.loads(payload)
    rules = Relative(fraction=0.02, at_least=1.0)
    fields["sensors"]["attic"]["channels"]["temperature"]["deadband"] = {
        "relative": rules.fraction, "at_least": rules.at_least,
    }  # fmt: skip
    VALIDATORS[name].validate(fields)


# What we would never write is found


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every key of every object within; not those that are ids."""
    if isinstance(value, list):
        return [found for place, item in enumerate(value) for found in paths(item, (*path, place))]
    if not isinstance(value, dict):
        return []
    own = [] if path[-1:] in (("sensors",), ("channels",)) else [(*path, key) for key in value]
    return own + [found for key, item in value.items() for found in paths(item, (*path, key))]


def samples() -> list[tuple[str, Any]]:
    events = [("events", [json.loads(body)]) for body in sample_events().values()]
    return events + [(name, json.loads(payload)) for name, payload in sample_messages().values()]


CASES = [(name, value, path) for name, value in samples() for path in paths(value)]


def changed(value: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    copy = deepcopy(value)
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    change(holder, path[-1])
    return copy


@pytest.mark.parametrize(("name", "value", "path"), CASES)
def test_a_missing_key_and_another_type_are_found(name: str, value: Any, path: tuple[Any, ...]) -> None:
    VALIDATORS[name].validate(value)
    without = changed(value, path, lambda holder, key: holder.pop(key))
    if (name, path) != ("status", ("since",)):  # without it an offline one is a last will
        assert not VALIDATORS[name].is_valid(without)
    assert not VALIDATORS[name].is_valid(changed(value, path, lambda holder, key: holder.update({key: [["x"]]})))


@pytest.mark.parametrize(("name", "value"), samples())
def test_an_extra_key_is_found_wherever_it_stands(name: str, value: Any) -> None:
    for path in paths(value):
        assert not VALIDATORS[name].is_valid(changed(value, path, lambda holder, _key: holder.update({"extra": 1})))


@pytest.mark.parametrize(
    "change",
    [
        {"quality": "bad"},
        {"quality": "stale"},
        {"quality": "great"},
        {"value": None},
        {"value": "21.5"},
        {"code": "nack"},
        {"reason": "fault"},
        {"reason": "because"},
        {"time": "2026-11-23T16:00:00Z"},
        {"time": "2026-11-23 16:00:00.123Z"},
        {"clock": "right"},
        {"seq": 0},
        {"seq": 1.5},
        {"epoch": "12"},
        {"sensor": "Attic"},
        {"sensor": "a/b"},
        {"channel": "+"},
        {"boot": "1B4E28BA"},
        {"uptime_ms": -1},
        {"replayed": False},
        {"type": "news"},
    ],
    ids=str,
)
def test_a_value_that_contradicts_itself_or_leaves_a_closed_list_is_found(change: Mapping[str, object]) -> None:
    sound = json.loads(sample_events()["value"])
    assert fits("events", json.dumps([sound]).encode())
    assert not fits("events", json.dumps([{**sound, **change}]).encode())


def test_a_fault_with_a_value_or_without_a_code_is_found_and_an_empty_message_too() -> None:
    sound = json.loads(sample_events()["fault"])
    assert not fits("events", json.dumps([{**sound, "value": 1.0}]).encode())
    assert not fits("events", json.dumps([{name: value for name, value in sound.items() if name != "code"}]).encode())
    assert not fits("events", b"[]")


def test_no_state_is_marked_as_replayed() -> None:
    assert not fits("state", replayed(sample_events()["value"]))


# The closed lists are those of the code


@pytest.mark.parametrize("kind", [EventType, Quality, Reason, GapCause, ClockState, FailureCode, Availability])
def test_every_member_of_a_closed_list_is_in_some_schema(kind: Any) -> None:
    text = json.dumps(FILES)
    assert all(f'"{member.value}"' in text for member in kind)


# Addresses


def test_the_addresses_are_those_that_are_published_to() -> None:
    topics = Topics(prefix="sensors/v1", gateway="greenhouse")
    expected = {
        "status": topics.status,
        "availability": topics.availability("attic"),
        "state": topics.state("attic", "temperature"),
        "events": topics.events,
        "meta": topics.meta,
        "health": topics.health,
        "command_read": topics.command("read"),
        "command_reload": topics.command("reload"),
        "command_log_level": topics.command("log-level"),
        "response": topics.response("restart"),
    }

    def found(topic: str) -> list[MqttChannel]:
        return [channel for channel in channels() if channel.matches(topic)]

    for name, topic in expected.items():
        assert [channel.name for channel in found(topic)] == [name]
    assert found("sensors/v1/greenhouse") == []
    assert found("sensors/v1/greenhouse/state/attic") == []


# From types to schemas


Ours = NewType("Ours", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A shape
    on two lines."""

    number: Annotated[int, Says({"minimum": 3}), "How many."]
    several: tuple[str, ...]
    either: int | str
    which: Literal["a", "b"] | None
    nothing: Annotated[None, Presence.AT_TIMES]
    ours: Ours = Ours("x")


def test_a_dataclass_becomes_a_closed_object() -> None:
    assert object_schema(Shape) == {
        "type": "object",
        "description": "A shape on two lines.",
        "properties": {
            "number": {"type": "integer", "minimum": 3, "description": "How many."},
            "several": {"type": "array", "items": {"type": "string"}},
            "either": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
            "which": {"enum": ["a", "b", None]},
            "nothing": {"type": "null"},
            "ours": {"type": "string"},
        },
        "required": ["number", "several", "either", "which", "ours"],
        "additionalProperties": False,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A shape of an unknown type."""

    raw: bytes


def test_a_type_that_no_schema_is_known_for_is_refused() -> None:
    with pytest.raises(Undescribed, match="bytes"):
        object_schema(Unknown)
