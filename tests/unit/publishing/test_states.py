"""Retained states: the newest of each channel, for as long as it may be shown."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Quality, Reason
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.publishing.messages import Topics
from sensor_gateway.publishing.shapes.channels import NUMBER
from sensor_gateway.publishing.states import PublishedChannel, RetainedStates, lifetime_ms
from sensor_gateway.testing.memory_outbox import MemoryOutbox

LIFETIME_MS = 900_000

Events = Callable[..., ChangeEvent]
Stamps = Callable[[int], Stamp]


@pytest.fixture
def states(source: Callable[[str], Source]) -> RetainedStates:
    return RetainedStates(
        [PublishedChannel(source=source(sensor), lifetime_ms=LIFETIME_MS) for sensor in ("attic", "bench")],
        topics=Topics(prefix="sensors/v1", gateway="greenhouse"),
        boot="1b4e28ba",
        start_uptime_ms=0,
    )


def test_a_lifetime_is_three_heartbeats_or_ten_intervals_and_then_at_least_a_minute() -> None:
    assert lifetime_ms(heartbeat_ms=300_000, interval_ms=1000) == 900_000
    assert lifetime_ms(heartbeat_ms=None, interval_ms=10_000) == 100_000
    assert lifetime_ms(heartbeat_ms=None, interval_ms=1000) == 60_000


def test_the_newest_event_of_a_channel_is_published_as_it_was_stored(
    states: RetainedStates, outbox: MemoryOutbox, event: Events, stamp: Stamps
) -> None:
    stored = outbox.append([event(20.0, uptime_ms=100), event(21.0, uptime_ms=200)])
    states.offer(stored)
    (message,) = states.take(stamp(300))
    assert message.topic == "sensors/v1/greenhouse/state/attic/temperature"
    assert message.payload == stored[1].body
    assert message.lifetime_s == 900
    assert not states.take(stamp(400)), "said once"


def test_an_older_measurement_never_replaces_a_newer_one(
    states: RetainedStates, outbox: MemoryOutbox, event: Events, stamp: Stamps
) -> None:
    newer = outbox.append([event(21.0, uptime_ms=200)])
    states.offer(newer)
    states.offer(outbox.append([event(20.0, uptime_ms=100)]))
    (message,) = states.take(stamp(300))
    assert message.payload == newer[0].body


def test_a_heartbeat_that_repeats_a_measurement_is_published(
    states: RetainedStates, outbox: MemoryOutbox, event: Events, stamp: Stamps
) -> None:
    states.offer(outbox.append([event(21.0, uptime_ms=200)]))
    heartbeat = outbox.append([event(21.0, uptime_ms=200)])
    states.offer(heartbeat)
    (message,) = states.take(stamp(300))
    assert message.payload == heartbeat[0].body


def test_each_connection_gets_what_is_left_of_a_lifetime_and_then_one_stale(
    states: RetainedStates, outbox: MemoryOutbox, event: Events, stamp: Stamps
) -> None:
    """A dead sensor and five reconnects: the age counts from the measurement, not from the publish."""
    states.offer(outbox.append([event(21.0, uptime_ms=0)]))
    left = []
    for minute in range(5):
        states.renew()
        (message,) = (m for m in states.take(stamp(minute * 60_000)) if "attic" in m.topic)
        left.append(message.lifetime_s)
    assert left == [900, 840, 780, 720, 660]
    stale = [m for m in states.take(stamp(LIFETIME_MS)) if "attic" in m.topic]
    assert len(stale) == 1
    assert stale[0].lifetime_s is None
    fields = json.loads(stale[0].payload)
    assert fields["value"] is None
    assert fields["quality"] == "stale"
    assert not {"id", "epoch", "seq", "reason"} & set(fields)
    assert not states.take(stamp(LIFETIME_MS + 1000))


def test_a_fresh_value_ends_staleness(
    states: RetainedStates, outbox: MemoryOutbox, event: Events, stamp: Stamps
) -> None:
    states.take(stamp(LIFETIME_MS))
    states.offer(outbox.append([event(21.0, uptime_ms=LIFETIME_MS + 10)]))
    (message,) = states.take(stamp(LIFETIME_MS + 10))
    assert json.loads(message.payload)["value"] == 21.0


def test_a_channel_that_never_spoke_is_stale_after_a_lifetime(states: RetainedStates, stamp: Stamps) -> None:
    """A value of a former run may still be retained on a broker that cannot let it expire."""
    states.renew()
    assert not states.take(stamp(LIFETIME_MS - 1))
    assert len(states.take(stamp(LIFETIME_MS))) == 2


def test_a_clean_stop_takes_everything_back(
    states: RetainedStates, outbox: MemoryOutbox, event: Events, stamp: Stamps
) -> None:
    states.offer(outbox.append([event(21.0, uptime_ms=0)]))
    states.retract()
    messages = states.take(stamp(10))
    assert len(messages) == 2
    assert {json.loads(message.payload)["quality"] for message in messages} == {"stale"}


def test_the_deadline_is_known_beforehand(
    states: RetainedStates, outbox: MemoryOutbox, event: Events, stamp: Stamps
) -> None:
    states.offer(outbox.append([event(21.0, uptime_ms=0)]))
    states.take(stamp(0))
    assert 0 < states.expiry_in_s(0) <= LIFETIME_MS / 1000
    assert states.expiry_in_s(LIFETIME_MS) == 0


def test_a_value_that_ended_staleness_goes_stale_at_its_own_deadline(
    source: Callable[[str], Source], outbox: MemoryOutbox, event: Events, stamp: Stamps
) -> None:
    states = RetainedStates(
        [PublishedChannel(source=source("attic"), lifetime_ms=30_000)],
        topics=Topics(prefix="sensors/v1", gateway="greenhouse"),
        boot="1b4e28ba",
        start_uptime_ms=0,
    )
    states.take(stamp(30_000))  # nothing was heard: stale
    states.offer(outbox.append([event(21.0, uptime_ms=31_000)]))
    states.take(stamp(31_000))
    assert states.expiry_in_s(31_000) == 30.0
    (message,) = states.take(stamp(61_000))
    assert json.loads(message.payload)["quality"] == "stale"


def test_a_heartbeat_that_repeats_what_has_outlived_itself_is_not_shown_again(
    states: RetainedStates, outbox: MemoryOutbox, event: Events, stamp: Stamps
) -> None:
    states.offer(outbox.append([event(21.0, uptime_ms=100)]))
    states.take(stamp(LIFETIME_MS + 100))
    states.offer(outbox.append([event(21.0, uptime_ms=100)]))
    assert not states.take(stamp(LIFETIME_MS + 200))


def test_what_is_too_old_as_it_is_stored_is_never_shown(
    states: RetainedStates, outbox: MemoryOutbox, event: Events, stamp: Stamps
) -> None:
    states.take(stamp(LIFETIME_MS * 3))
    states.offer(outbox.append([event(21.0, uptime_ms=LIFETIME_MS)]))
    assert [json.loads(message.payload)["quality"] for message in states.take(stamp(LIFETIME_MS * 3))] == ["stale"]


def test_a_channel_that_is_gone_is_shown_no_more(
    states: RetainedStates, outbox: MemoryOutbox, event: Events, stamp: Stamps, source: Callable[[str], Source]
) -> None:
    states.offer(outbox.append([event(20.0), event(20.0, sensor="bench")]))
    states.change([PublishedChannel(source=source("bench"), lifetime_ms=60_000)], 100)
    (message,) = states.take(stamp(200))
    assert (message.topic, message.lifetime_s) == ("sensors/v1/greenhouse/state/bench/temperature", 60)
    states.offer(outbox.append([event(21.0, uptime_ms=300)]))
    assert not states.has_due


def test_a_channel_that_became_another_takes_the_old_value_back(
    states: RetainedStates, outbox: MemoryOutbox, event: Events, stamp: Stamps, source: Callable[[str], Source]
) -> None:
    states.offer(outbox.append([event(20.0)]))
    states.take(stamp(50))
    same = source("attic")
    other = dataclasses.replace(same, channel=dataclasses.replace(same.channel, high=200))
    states.change([PublishedChannel(source=other, lifetime_ms=LIFETIME_MS)], 100)
    (message,) = states.take(stamp(100))
    assert json.loads(message.payload)["quality"] == "stale"
    assert json.loads(message.payload)["value"] is None


def test_a_new_channel_is_shown_with_its_first_event(
    states: RetainedStates, outbox: MemoryOutbox, event: Events, stamp: Stamps, source: Callable[[str], Source]
) -> None:
    known = [PublishedChannel(source=source(name), lifetime_ms=LIFETIME_MS) for name in ("attic", "bench", "cellar")]
    states.change(known, 100)
    assert not states.has_due
    stored = outbox.append([event(18.0, sensor="cellar", uptime_ms=200)])
    states.offer(stored)
    (message,) = states.take(stamp(200))
    assert message.payload == stored[0].body


@pytest.fixture
def bare_states(source: Callable[[str], Source]) -> RetainedStates:
    return RetainedStates(
        [PublishedChannel(source=source("attic"), lifetime_ms=LIFETIME_MS)],
        topics=Topics(prefix="sensors/v1", gateway="greenhouse"),
        boot="1b4e28ba",
        start_uptime_ms=0,
        payload="value",
    )


@given(st.none() | st.floats(allow_nan=False, allow_infinity=False))
def test_every_bare_state_is_what_its_schema_says(value: float | None) -> None:
    channel = Channel(name="t", quantity=TEMPERATURE, low=-1, high=1, resolution=1)
    stamp = Stamp(uptime_ms=1, wall_ms=1, clock=ClockState.SYNCED)
    source = Source(sensor="attic", channel=channel)
    states = RetainedStates(
        [PublishedChannel(source=source, lifetime_ms=LIFETIME_MS)],
        topics=Topics(prefix="p", gateway="g"),
        boot="1b4e28ba",
        start_uptime_ms=0,
        payload="value",
    )
    quality = Quality.BAD if value is None else Quality.GOOD
    states.offer(
        MemoryOutbox().append(
            [ChangeEvent(source=source, value=value, quality=quality, reason=Reason.CHANGE, code=None, stamp=stamp)]
        )
    )
    (message,) = states.take(stamp)
    assert re.search(str(NUMBER["pattern"]), message.payload.decode())
    assert value is None or float(message.payload) == value


@pytest.mark.parametrize(
    ("value", "written"),
    [(21.5, b"21.5"), (-0.1, b"-0.1"), (0.0, b"0.0"), (1e-7, b"1e-07"), (100000.0, b"100000.0"), (None, b"None")],
)
def test_a_bare_state_is_the_number_in_the_digits_of_the_event_or_none(
    bare_states: RetainedStates, outbox: MemoryOutbox, event: Events, stamp: Stamps, value: float | None, written: bytes
) -> None:
    stored = outbox.append([event(value, uptime_ms=100)])
    bare_states.offer(stored)
    (message,) = bare_states.take(stamp(200))
    assert (message.payload, message.lifetime_s) == (written, 900)
    assert f'"value":{written.decode()},'.replace("None", "null").encode() in stored[0].body


def test_a_bare_state_is_none_and_stays_when_it_has_outlived_itself_and_when_the_gateway_stops(
    bare_states: RetainedStates, outbox: MemoryOutbox, event: Events, stamp: Stamps
) -> None:
    bare_states.offer(outbox.append([event(21.5, uptime_ms=0)]))
    bare_states.take(stamp(1))
    assert [(one.payload, one.lifetime_s) for one in bare_states.take(stamp(LIFETIME_MS))] == [(b"None", None)]
    bare_states.offer(outbox.append([event(22.5, uptime_ms=LIFETIME_MS + 1)]))
    assert [one.payload for one in bare_states.take(stamp(LIFETIME_MS + 2))] == [b"22.5"]
    bare_states.retract()
    assert [(one.payload, one.lifetime_s) for one in bare_states.take(stamp(LIFETIME_MS + 3))] == [(b"None", None)]


def test_a_state_of_an_unset_clock_is_published_again_with_its_right_time(
    states: RetainedStates, outbox: MemoryOutbox, event: Events, stamp: Stamps
) -> None:
    unset = dataclasses.replace(event(20.0), stamp=Stamp(uptime_ms=5000, wall_ms=5000, clock=ClockState.UNSYNCED))
    states.offer(outbox.append([unset, event(21.0, sensor="bench", uptime_ms=6000)]))
    states.take(stamp(6000))
    states.correct(1_795_449_600_000)
    (message,) = states.take(stamp(7000))
    payload = json.loads(message.payload)
    assert (payload["sensor"], payload["value"]) == ("attic", 20.0)
    assert (payload["time"], payload["clock"]) == ("2026-11-23T16:00:05.000Z", "corrected")
    states.correct(0)
    assert not states.take(stamp(8000)), "corrected once"
