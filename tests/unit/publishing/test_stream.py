"""What the stream sends next, and what each answer means for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proving.logs import Quiet

from sensor_gateway.model.event import ChangeEvent, Gap, GapCause
from sensor_gateway.publishing.stream.batch import Batch, Packer, head
from sensor_gateway.publishing.stream.events import EventStream
from sensor_gateway.publishing.stream.freshness import Freshness
from sensor_gateway.publishing.stream.pace import Pace
from sensor_gateway.testing.memory_outbox import MemoryOutbox

ROOM = 64_000
QUOTA, DENIED, TOPIC, FORMAT = 0x97, 0x87, 0x90, 0x99

Events = Callable[..., ChangeEvent]


def _stream(outbox: MemoryOutbox, journal: Any, *, drain_rate: float = 0.0, room: int = ROOM) -> EventStream:
    packer = Packer(freshness=Freshness(boot="1b4e28ba", late_after_ms=5000), gap_json=outbox.encoder.gap)
    stream = EventStream(
        outbox, packer, Pace(drain_rate=drain_rate, now_s=0.0), set_aside=outbox.set_aside, log=journal
    )
    stream.rewind(room)
    return stream


@pytest.fixture
def stream(outbox: MemoryOutbox, journal: Any) -> EventStream:
    return _stream(outbox, journal)


def _seqs(batch: Batch) -> list[int]:
    return [entry.from_seq if isinstance(entry, Gap) else entry.position.seq for entry in batch.entries]  # type: ignore[misc]


def _batches(stream: EventStream, now_s: float = 0.0) -> Iterator[Batch]:
    while (batch := stream.next_batch(now_s, 0)) is not None:
        yield batch


def _append(outbox: MemoryOutbox, stream: EventStream, events: list[ChangeEvent]) -> None:
    stored = outbox.append(events)
    stream.note_stored(len(events), stored[-1].position, 0.0)


def test_events_of_one_wake_up_travel_in_one_array(stream: EventStream, outbox: MemoryOutbox, event: Events) -> None:
    _append(outbox, stream, [event(1.0), event(2.0), event(3.0)])
    (batch,) = _batches(stream)
    assert [fields["seq"] for fields in json.loads(batch.payload)] == [1, 2, 3]
    stream.answered(batch, 0, 0.0)
    assert outbox.acknowledged == {1, 2, 3}
    assert stream.wait_s(0.0) is None, "nothing to wait for"


def test_a_message_has_at_most_the_room_there_is(outbox: MemoryOutbox, journal: Any, event: Events) -> None:
    stream = _stream(outbox, journal, room=1000)
    _append(outbox, stream, [event(float(number)) for number in range(20)])
    batches = list(_batches(stream))
    assert all(len(batch.payload) <= 1000 for batch in batches)
    assert [seq for batch in batches for seq in _seqs(batch)] == list(range(1, 21))


def test_a_refused_message_waits_for_the_window_and_goes_first(
    stream: EventStream, outbox: MemoryOutbox, event: Events
) -> None:
    """Window of four: 2 is refused for lack of room, 3 and 4 arrive; then 2 goes again, and only then 5."""
    batches = []
    for value in range(4):
        _append(outbox, stream, [event(float(value))])
        batches += _batches(stream)
    stream.answered(batches[0], 0, 0.0)
    stream.answered(batches[1], QUOTA, 0.0)
    _append(outbox, stream, [event(9.0)])
    assert stream.next_batch(10.0, 0) is None, "the window is not empty"
    stream.answered(batches[2], 0, 0.0)
    stream.answered(batches[3], 0, 0.0)
    assert stream.next_batch(0.1, 0) is None, "a pause"
    again = stream.next_batch(0.6, 0)
    assert again is not None
    assert _seqs(again) == [2]
    assert stream.next_batch(0.6, 0) is None, "one goes ahead"
    stream.answered(again, 0, 0.7)
    (last,) = _batches(stream, 0.7)
    assert _seqs(last) == [5]


def test_pauses_grow_while_the_broker_refuses(stream: EventStream, outbox: MemoryOutbox, event: Events) -> None:
    _append(outbox, stream, [event()])
    now_s = 0.0
    pauses = []
    for _ in range(9):
        batch = stream.next_batch(now_s, 0)
        assert batch is not None
        stream.answered(batch, QUOTA, now_s)
        wait_s = stream.wait_s(now_s)
        assert wait_s is not None
        pauses.append(wait_s)
        now_s += wait_s
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_probe_for_subscribers_is_one_event_with_the_gap_that_stands_before_it(
    outbox: MemoryOutbox, event: Events, journal: Any
) -> None:
    packer = Packer(freshness=Freshness(boot="1b4e28ba", late_after_ms=5000), gap_json=outbox.encoder.gap)
    stream = EventStream(
        outbox,
        packer,
        Pace(drain_rate=0.0, now_s=0.0),
        set_aside=outbox.set_aside,
        log=journal,
        needs_subscriber=True,
    )
    stream.rewind(ROOM)
    _append(outbox, stream, [event(float(number)) for number in range(9)])
    (batch,) = _batches(stream)
    stream.answered(batch, 0x10, 0.0)
    assert stream.wait_s(0.0) == 0.5
    (probe,) = _batches(stream, 0.5)
    assert _seqs(probe) == [1]
    stream.answered(probe, 0x10, 0.5)
    assert not outbox.acknowledged
    assert stream.wait_s(0.5) == 1.0
    (probe,) = _batches(stream, 1.5)
    stream.answered(probe, 0, 1.5)
    assert [_seqs(rest) for rest in _batches(stream, 1.5)] == [list(range(2, 10))]
    assert journal.names() == ["stream_held", "stream_resumed"]
    refused = Gap(
        epoch=outbox.epoch,
        from_seq=None,
        to_seq=None,
        before_seq=1,
        count=7,
        from_wall_ms=None,
        to_wall_ms=None,
        cause=GapCause.LIMIT,
    )
    first, second = outbox.read(None, max_events=2, max_bytes=ROOM)
    assert head([refused, first, second]) == [refused, first]
    assert head([first, second]) == [first]


def test_a_denied_stream_rests_five_minutes_and_never_quarantines(
    stream: EventStream, outbox: MemoryOutbox, event: Events, journal: Any
) -> None:
    for _ in range(3):
        _append(outbox, stream, [event()])
        for batch in _batches(stream):
            stream.answered(batch, DENIED, 0.0)
    assert journal.names() == ["stream_denied"]
    assert stream.next_batch(299.0, 0) is None
    assert stream.wait_s(0.0) == 300
    (probe,) = _batches(stream, 300.0)
    stream.answered(probe, DENIED, 300.0)
    assert stream.next_batch(599.0, 0) is None
    stream.rewind(ROOM)
    (probe,) = _batches(stream, 301.0)
    stream.answered(probe, 0, 301.0)
    assert not stream.obstacle.is_denied
    assert journal.names() == ["stream_denied", "stream_resumed"]
    assert not outbox.quarantined


@pytest.mark.parametrize("reason", [TOPIC, FORMAT])
def test_a_refused_batch_is_resent_singly_and_only_the_bad_event_is_given_up(
    stream: EventStream, outbox: MemoryOutbox, event: Events, reason: int, journal: Any
) -> None:
    _append(outbox, stream, [event(float(number)) for number in range(5)])
    (batch,) = _batches(stream)
    stream.answered(batch, reason, 0.0)
    sent = []
    for single in _batches(stream):
        sent.append(json.loads(single.payload))
        is_bad = sent[-1][0].get("seq") == 3
        stream.answered(single, reason if is_bad else 0, 0.0)
    seqs = [[fields.get("seq", fields.get("from_seq")) for fields in message] for message in sent]
    assert sent[3][0]["from_time"] == "2026-11-23T16:00:00.000Z"
    assert seqs == [[1], [2], [3], [3], [4], [5]]
    assert sent[3][0]["cause"] == "quarantine"
    assert set(outbox.quarantined) == {3}
    assert outbox.acknowledged == {1, 2, 3, 4, 5}
    assert journal.names() == ["event_quarantined"]


def test_an_event_larger_than_any_message_is_given_up_and_announced(
    outbox: MemoryOutbox, journal: Any, event: Events
) -> None:
    stream = _stream(outbox, journal, room=420)
    _append(outbox, stream, [event(1.0), event(2.0, sensor="s" * 200), event(3.0)])
    batches = list(_batches(stream))
    assert [_seqs(batch) for batch in batches] == [[1], [2], [3]]
    assert json.loads(batches[1].payload)[0]["cause"] == "quarantine"
    assert not outbox.quarantined, "the broker has not taken the gap yet"
    stream.answered(batches[1], 0, 0.0)
    assert set(outbox.quarantined) == {2}


def test_a_gap_that_fits_nowhere_does_not_stop_the_stream(outbox: MemoryOutbox, journal: Any, event: Events) -> None:
    stream = _stream(outbox, journal, room=150)
    _append(outbox, stream, [event(1.0)])
    assert list(_batches(stream)) == []
    assert list(_batches(stream)) == []
    assert outbox.acknowledged == {1}
    assert journal.names() == ["gap_not_announced", "event_quarantined"]


def test_gaps_are_published_in_their_place(stream: EventStream, outbox: MemoryOutbox, event: Events) -> None:
    outbox.append([event(float(number)) for number in range(6)])
    outbox.lose(2, 4)
    (batch,) = _batches(stream)
    fields = json.loads(batch.payload)
    assert [entry["type"] for entry in fields] == ["value", "gap", "value", "value"]
    assert fields[1]["cause"] == "limit"
    stream.answered(batch, 0, 0.0)
    assert outbox.acknowledged == {1, 2, 3, 4, 5, 6}


def test_a_gap_without_a_seq_stays_with_the_event_behind_it(outbox: MemoryOutbox, event: Events) -> None:
    (stored,) = outbox.append([event()])
    refused = Gap(
        epoch=outbox.epoch,
        from_seq=None,
        to_seq=None,
        before_seq=1,
        count=7,
        from_wall_ms=None,
        to_wall_ms=None,
        cause=GapCause.LIMIT,
    )
    packer = Packer(freshness=Freshness(boot="1b4e28ba", late_after_ms=5000), gap_json=outbox.encoder.gap)
    whole = packer.pack([refused, stored], room=ROOM, uptime_ms=0)
    assert whole is not None
    assert whole.first == whole.last == stored.position
    alone = packer.pack([refused, stored], room=len(outbox.encoder.gap(refused)) + 10, uptime_ms=0)
    assert alone is not None
    assert alone.entries == (refused,)
    assert alone.first is alone.last is None, "its answer acknowledges nothing"


def test_late_events_are_marked_and_fresh_ones_are_not(outbox: MemoryOutbox, journal: Any, event: Events) -> None:
    freshness = Freshness(boot="1b4e28ba", late_after_ms=5000)
    packer = Packer(freshness=freshness, gap_json=outbox.encoder.gap)
    old = outbox.append([event(1.0, uptime_ms=0)])
    freshness.note(old[0].position, old[0].position, 0)
    repeat = outbox.append([event(1.0, uptime_ms=0)])
    freshness.note(repeat[0].position, repeat[0].position, 10_000)
    batch = packer.pack([*old, *repeat], room=ROOM, uptime_ms=10_000)
    assert batch is not None
    assert [fields.get("replayed") for fields in json.loads(batch.payload)] == [True, None]


def test_events_of_another_boot_are_always_late(outbox: MemoryOutbox, event: Events) -> None:
    packer = Packer(freshness=Freshness(boot="ffffffff", late_after_ms=5000), gap_json=outbox.encoder.gap)
    batch = packer.pack(outbox.append([event(uptime_ms=100)]), room=ROOM, uptime_ms=0)
    assert batch is not None
    assert json.loads(batch.payload)[0]["replayed"] is True


def test_a_close_after_nobody_listened_is_no_proof_that_the_topic_is_forbidden(
    stream: EventStream, outbox: MemoryOutbox, event: Events, journal: Any
) -> None:
    """The topic was forbidden once; then a probe was answered "nobody subscribes": it is allowed again."""
    _append(outbox, stream, [event(1.0), event(2.0)])
    stream.denied(0.0, costs_connection=True)
    batch = stream.next_batch(400.0, 0)
    assert batch is not None
    stream._needs_subscriber = True
    stream.answered(batch, 0x10, 400.0)
    again = stream.next_batch(500.0, 0)
    assert again is not None
    stream.closed([again], 500.0, is_evidence=True)
    assert not stream.obstacle.is_denied


def test_an_event_over_which_the_broker_hangs_up_is_found_and_given_up(
    stream: EventStream, outbox: MemoryOutbox, event: Events
) -> None:
    """The broker closes each connection on which event 7 of 30 comes; all others arrive."""
    outbox.append([event(float(number)) for number in range(30)])
    closes = 0
    for _ in range(20):
        stream.rewind(ROOM)
        unanswered: list[Batch] = []
        for batch in _batches(stream):
            if 7 in _seqs(batch) and "quarantine" not in batch.payload.decode():
                unanswered.append(batch)
                break
            stream.answered(batch, 0, 0.0)
        if not unanswered:
            break
        closes += 1
        stream.suspicion.closed(unanswered, is_evidence=True)
    assert set(outbox.quarantined) == {7}
    assert outbox.acknowledged == set(range(1, 31))
    assert closes == 4, "once over the whole message, three times over the event alone"
    outbox.append([event(1.0), event(2.0)])
    stream.rewind(ROOM)
    (batch,) = _batches(stream)
    assert _seqs(batch) == [31, 32], "care has ended"
    more = outbox.append([event(3.0)])
    stream.note_stored(1, more[-1].position, 0.0)
    assert stream.next_batch(0.0, 0) is not None, "without waiting for the answer"


@given(st.lists(st.sampled_from([0, 0, 0, 0x10, QUOTA, DENIED, 0x80, 0x83]), max_size=60), st.integers(1, 7))
def test_whatever_is_refused_everything_arrives_in_the_end(reasons: list[int], window: int) -> None:
    """No answer that is not evidence against an event loses it, and first sendings are in order."""
    outbox = MemoryOutbox()
    stream = _stream(outbox, Quiet(), room=600)
    outbox.append([_EVENT] * 25)
    now_s = 0.0
    unanswered: list[Batch] = []
    first_sent: list[int] = []
    script = iter(reasons)
    for _ in range(500):
        while len(unanswered) < window and (batch := stream.next_batch(now_s, 0)) is not None:
            unanswered.append(batch)
            first_sent += [seq for seq in _seqs(batch) if seq not in first_sent]
        if not unanswered:
            if outbox.acknowledged == set(range(1, 26)):
                break
            now_s += stream.wait_s(now_s) or 0.0
            continue
        stream.answered(unanswered.pop(0), next(script, 0), now_s)
    assert outbox.acknowledged == set(range(1, 26))
    assert first_sent == sorted(first_sent)
    assert not outbox.quarantined


def _make() -> ChangeEvent:
    from sensor_gateway.model.channel import Channel, Source  # noqa: PLC0415
    from sensor_gateway.model.event import Quality, Reason  # noqa: PLC0415
    from sensor_gateway.model.quantity import TEMPERATURE  # noqa: PLC0415
    from sensor_gateway.model.reading import ClockState, Stamp  # noqa: PLC0415

    channel = Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=125, resolution=0.01)
    return ChangeEvent(
        source=Source(sensor="attic", channel=channel),
        value=1.0,
        quality=Quality.GOOD,
        reason=Reason.CHANGE,
        code=None,
        stamp=Stamp(uptime_ms=0, wall_ms=0, clock=ClockState.SYNCED),
    )


_EVENT = _make()


def test_holes_that_are_found_are_counted_once_they_are_told_and_drops_are_not_counted_again(
    stream: EventStream, outbox: MemoryOutbox, event: Events
) -> None:
    """What was dropped knowingly is counted by the outbox, and its gap carries times."""
    _append(outbox, stream, [event(float(number)) for number in range(12)])
    outbox.lose(2, 4, GapCause.DAMAGE)
    outbox.lose(6, 6, GapCause.UNKNOWN)
    known = outbox.lose(8, 10, GapCause.DAMAGE)
    index = outbox._entries.index(known)
    outbox._entries[index] = replace(known, from_wall_ms=1, to_wall_ms=2)
    (batch,) = _batches(stream)
    stream.answered(batch, QUOTA, 0.0)
    assert (stream.feed.damaged, stream.feed.unexplained) == (0, 0), "a refusal tells nobody"
    (again,) = _batches(stream, 1.0)
    stream.answered(again, 0, 1.0)
    assert (stream.feed.damaged, stream.feed.unexplained) == (3, 1)
