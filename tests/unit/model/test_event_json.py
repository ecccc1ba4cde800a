from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, EpochStart, Gap, GapCause, Quality, Reason
from sensor_gateway.model.event_json import (
    EventEncoder,
    boot_of,
    corrected,
    is_unsynced,
    is_value,
    rfc3339,
    uptime_of,
    value_of,
)
from sensor_gateway.model.position import Epoch
from sensor_gateway.model.quantity import TEMPERATURE, other
from sensor_gateway.model.reading import ClockState, FailureCode, Stamp

EPOCH = "000012-7f3c9a2e"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
STAMPS = st.builds(
    Stamp,
    uptime_ms=st.integers(0, 2**50),
    wall_ms=st.integers(0, 253_402_300_799_999),
    clock=st.sampled_from(ClockState),
)
VALUES = st.none() | st.floats(allow_nan=False, allow_infinity=False)


def source(sensor: str = "attic", channel: str = "temperature", unit: str | None = None) -> Source:
    quantity = TEMPERATURE if unit is None else other(unit)
    return Source(sensor=sensor, channel=Channel(name=channel, quantity=quantity, low=-1, high=1, resolution=1))


def news(value: float | None, stamp: Stamp, **changes: object) -> ChangeEvent:
    facts: dict[str, object] = {
        "source": source(),
        "value": value,
        "quality": Quality.GOOD,
        "reason": Reason.CHANGE,
        "code": None,
        "stamp": stamp,
    }
    return ChangeEvent(**{**facts, **changes})  # type: ignore[arg-type]


def written(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def moment(wall_ms: int) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=wall_ms)
    return at.strftime("%Y").zfill(4) + at.strftime("-%m-%dT%H:%M:%S.") + f"{wall_ms % 1000:03d}Z"


@given(
    sensor=TEXTS,
    channel=TEXTS,
    unit=st.none() | TEXTS,
    value=VALUES,
    quality=st.sampled_from(Quality),
    reason=st.sampled_from(Reason),
    code=st.none() | st.sampled_from(FailureCode),
    stamp=STAMPS,
    seq=st.integers(1, 2**63),
)
def test_a_value_event_is_written_as_json_dumps_would(  # noqa: PLR0917
    sensor: str,
    channel: str,
    unit: str | None,
    value: float | None,
    quality: Quality,
    reason: Reason,
    code: FailureCode | None,
    stamp: Stamp,
    seq: int,
) -> None:
    origin = source(sensor, channel, unit)
    event = ChangeEvent(source=origin, value=value, quality=quality, reason=reason, code=code, stamp=stamp)
    fields: dict[str, object] = {
        "id": f"green house:{EPOCH}:{seq}",
        "type": "value",
        "gateway": "green house",
        "epoch": EPOCH,
        "seq": seq,
        "sensor": sensor,
        "channel": channel,
        "quantity": origin.channel.quantity.name,
        "value": value,
        "unit": origin.channel.quantity.unit,
        "quality": quality.value,
        **({} if code is None else {"code": code.value}),
        "reason": reason.value,
        "time": moment(stamp.wall_ms),
        "clock": stamp.clock.value,
        "boot": "1b4e28ba",
        "uptime_ms": stamp.uptime_ms,
    }
    assert EventEncoder("green house", "1b4e28ba").value(event, EPOCH, seq) == written(fields)


@given(stamps=st.lists(STAMPS, min_size=2, max_size=8), epochs=st.lists(st.sampled_from([EPOCH, "000013-00000000"])))
def test_what_the_encoder_remembers_never_shows(stamps: list[Stamp], epochs: list[str]) -> None:
    encoder = EventEncoder("greenhouse", "1b4e28ba")
    for number, stamp in enumerate(stamps):
        epoch = epochs[number % len(epochs)] if epochs else EPOCH
        event = news(number / 7, stamp, source=source(f"s{number % 3}"))
        assert encoder.value(event, epoch, number) == EventEncoder("greenhouse", "1b4e28ba").value(event, epoch, number)


def test_the_contracts_example_comes_out_to_the_byte() -> None:
    stamp = Stamp(uptime_ms=86_400_123, wall_ms=1_795_449_600_123, clock=ClockState.SYNCED)
    assert EventEncoder("greenhouse", "1b4e28ba").value(news(21.5, stamp), EPOCH, 184_467).decode() == (
        '{"id":"greenhouse:000012-7f3c9a2e:184467","type":"value","gateway":"greenhouse","epoch":"000012-7f3c9a2e",'
        '"seq":184467,"sensor":"attic","channel":"temperature","quantity":"temperature","value":21.5,"unit":"°C",'
        '"quality":"good","reason":"change","time":"2026-11-23T16:00:00.123Z","clock":"synced","boot":"1b4e28ba",'
        '"uptime_ms":86400123}'
    )


def test_an_epoch_event_names_the_epoch_before_it() -> None:
    stamp = Stamp(uptime_ms=5, wall_ms=1_000, clock=ClockState.UNSYNCED)
    start = EpochStart(previous=Epoch(ordinal=11, random=255), previous_last_seq=None, stamp=stamp)
    assert EventEncoder("gw", "b").epoch_start(start, EPOCH, 1) == written(
        {
            "id": f"gw:{EPOCH}:1",
            "type": "epoch",
            "gateway": "gw",
            "epoch": EPOCH,
            "seq": 1,
            "previous": "000011-000000ff",
            "previous_last_seq": None,
            "time": "1970-01-01T00:00:01.000Z",
            "clock": "unsynced",
            "boot": "b",
            "uptime_ms": 5,
        },
    )


def test_a_clock_event_tells_boot_and_offset() -> None:
    stamp = Stamp(uptime_ms=5, wall_ms=1_000, clock=ClockState.SYNCED)
    fields = json.loads(EventEncoder("gw", "b").clock(995, stamp, EPOCH, 7))
    assert fields["type"] == "clock"
    assert (fields["boot"], fields["offset_ms"], fields["seq"], fields["id"]) == ("b", 995, 7, f"gw:{EPOCH}:7")


def test_a_gap_has_its_own_id_and_no_seq() -> None:
    gap = Gap(
        epoch=Epoch.parse(EPOCH),
        from_seq=5,
        to_seq=9,
        before_seq=None,
        count=5,
        from_wall_ms=0,
        to_wall_ms=None,
        cause=GapCause.LIMIT,
    )
    assert EventEncoder("gw", "b").gap(gap) == written(
        {
            "id": f"gw:{EPOCH}:gap-5-9",
            "type": "gap",
            "gateway": "gw",
            "epoch": EPOCH,
            "from_seq": 5,
            "to_seq": 9,
            "count": 5,
            "from_time": "1970-01-01T00:00:00.000Z",
            "to_time": None,
            "cause": "limit",
        },
    )


def test_events_that_never_had_a_seq_are_announced_before_the_next_one() -> None:
    gap = Gap(
        epoch=Epoch.parse(EPOCH),
        from_seq=None,
        to_seq=None,
        before_seq=12,
        count=3,
        from_wall_ms=1,
        to_wall_ms=2,
        cause=GapCause.LIMIT,
    )
    assert json.loads(EventEncoder("gw", "b").gap(gap))["id"] == f"gw:{EPOCH}:gap-before-12"


@given(value=VALUES, stamp=STAMPS, wall_ms=st.integers(0, 253_402_300_799_999), unit=TEXTS)
def test_correcting_the_time_changes_time_and_clock_alone(
    value: float | None, stamp: Stamp, wall_ms: int, unit: str
) -> None:
    unsynced = Stamp(uptime_ms=stamp.uptime_ms, wall_ms=stamp.wall_ms, clock=ClockState.UNSYNCED)
    body = EventEncoder("gw", "b").value(news(value, unsynced, source=source(unit=unit)), EPOCH, 3)
    assert is_unsynced(body)
    better = corrected(body, wall_ms)
    assert json.loads(better) == {**json.loads(body), "time": moment(wall_ms), "clock": "corrected"}
    assert not is_unsynced(better)


@given(value=VALUES, stamp=STAMPS, unit=TEXTS)
def test_boot_uptime_and_type_can_be_read_back_without_decoding(value: float | None, stamp: Stamp, unit: str) -> None:
    body = EventEncoder("gw", "1b4e28ba").value(news(value, stamp, source=source(unit=unit)), EPOCH, 3)
    assert (boot_of(body), uptime_of(body), is_value(body)) == ("1b4e28ba", stamp.uptime_ms, True)
    start = EpochStart(previous=None, previous_last_seq=None, stamp=stamp)
    assert not is_value(EventEncoder("gw", "1b4e28ba").epoch_start(start, EPOCH, 1))


def test_an_impossible_year_is_clamped_and_never_raises() -> None:
    assert rfc3339(-5) == "1970-01-01T00:00:00.995Z"
    assert rfc3339(2**62).startswith("9999-12-31T23:59:59.")


def test_the_second_before_1970_is_written_too() -> None:
    """It was left out once: the encoder took it for the second that it remembered from the start."""
    event = news(21.5, Stamp(uptime_ms=1, wall_ms=-1, clock=ClockState.UNSYNCED))
    assert json.loads(EventEncoder("g", "1b4e28ba").value(event, EPOCH, 1))["time"] == rfc3339(-1)


@given(value=VALUES, name=TEXTS, unit=TEXTS, stamp=STAMPS)
def test_the_digits_of_a_value_are_found_whatever_the_names_hold(
    value: float | None, name: str, unit: str, stamp: Stamp
) -> None:
    for tricky in (name, '","value":7,"unit":"x', '\\","value":7'):
        body = EventEncoder("g", "1b4e28ba").value(news(value, stamp, source=source(tricky, tricky, unit)), EPOCH, 1)
        assert json.loads(value_of(body)) == value
