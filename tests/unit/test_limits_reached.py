"""Limits that no other test reaches: each is filled, and overfilled, and keeps its size."""

from __future__ import annotations

import json
from pathlib import Path

from proving.logs import Quiet

from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, GapCause, Quality, Reason
from sensor_gateway.model.event_json import EventEncoder
from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.outbox.drops import DROPS_KEPT, Drop, Drops
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.quarantine import PIECES_KNOWN, TOTAL_LIMIT, Quarantine
from sensor_gateway.publishing.incoming import Incoming
from sensor_gateway.publishing.messages import Program, Topics
from sensor_gateway.publishing.receiving.rival import Rival
from sensor_gateway.publishing.states import StateMessage
from sensor_gateway.publishing.stream.freshness import Freshness
from sensor_gateway.publishing.wire.packets import StatePackets
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.reporting.wire_meter import WireMeter

EPOCH = Epoch(ordinal=1, random=7)
STAMP = Stamp(uptime_ms=1000, wall_ms=1_795_449_600_000, clock=ClockState.SYNCED)
CHANNEL = Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=125, resolution=0.01)


def test_of_the_health_of_sensors_that_nobody_takes_the_newest_are_kept() -> None:
    outlet = Outlet(16, lambda: None)
    states = [
        SensorState(sensor=f"s{number}", state=Availability.ONLINE, code=None, reason="", since=STAMP)
        for number in range(10_000)
    ]
    for state in states:
        outlet.put([], [state])
    _, taken = outlet.take()
    assert taken == states[-4096:]


def test_of_many_drops_those_of_an_epoch_become_one() -> None:
    drops = Drops()
    for number in range(10 * DROPS_KEPT):
        first = number * 10
        drops.add(
            Drop(epoch=EPOCH, first=first, last=first + 4, count=5, cause=GapCause.LIMIT, from_ms=number, to_ms=number)
        )
        assert len(list(drops)) <= DROPS_KEPT
    assert sum(drop.count for drop in drops) == 50 * DROPS_KEPT, "not one lost event is forgotten"


def test_of_drops_in_many_epochs_the_newest_are_kept() -> None:
    drops = Drops()
    for ordinal in range(1, 10 * DROPS_KEPT):
        epoch = Epoch(ordinal=ordinal, random=1)
        drops.add(Drop(epoch=epoch, first=1, last=5, count=5, cause=GapCause.LIMIT, from_ms=0, to_ms=0))
    assert [drop.epoch.ordinal for drop in drops] == list(range(9 * DROPS_KEPT, 10 * DROPS_KEPT))


def test_damage_without_end_takes_no_memory_without_end(tmp_path: Path) -> None:
    quarantine = Quarantine(Disk(), tmp_path / "quarantine")
    new = sum(quarantine.keep("0000000000000001", place, b"damaged") for place in range(3 * PIECES_KNOWN))
    assert new == 3 * PIECES_KNOWN, "each piece is counted"
    assert len(quarantine._seen) <= PIECES_KNOWN
    assert not quarantine.keep("0000000000000001", 3 * PIECES_KNOWN - 1, b"damaged"), "known"
    sizes = [file.stat().st_size for file in (tmp_path / "quarantine").iterdir()]
    assert 0 < len(sizes) <= 16
    assert sum(sizes) <= TOTAL_LIMIT


def test_of_many_rivals_a_few_are_remembered() -> None:
    topics = Topics(prefix="sensors/v1", gateway="greenhouse")
    rival = Rival(topics, Program(instance="ours", version="1"), log=Quiet())
    for number in range(1000):
        said = {"state": "online", "instance": f"i{number}" * 100, "version": "1" * 1000}
        message = Incoming(
            topic=topics.status,
            payload=json.dumps(said).encode(),
            is_retained=False,
            expiry_s=None,
            response_topic=None,
            correlation=None,
        )
        rival.hear(message, float(number), STAMP)
    assert len(rival._known) == 8
    assert max(map(len, rival._known)) <= 40


def test_when_events_were_stored_is_forgotten_once_they_are_late() -> None:
    freshness = Freshness(boot="1b4e28ba", late_after_ms=5000)
    for turn in range(100_000):
        place = Position(epoch=EPOCH, seq=Seq(turn + 1))
        freshness.note(place, place, turn * 100)
    assert len(freshness._stored) <= 5000 // 100 + 1


def test_prepared_lifetimes_are_bounded() -> None:
    packets = StatePackets(has_properties=True, has_expiry=True)
    for seconds in range(1, 5000):
        (packet,) = packets.chunks([StateMessage("t", b"{}", seconds)], largest=1000)
        assert seconds.to_bytes(4, "big") in packet
        assert len(packets._lifetimes) <= 1000


def test_prepared_parts_of_events_are_bounded() -> None:
    encoder = EventEncoder("greenhouse", "1b4e28ba")
    for number in range(12_000):
        event = ChangeEvent(
            source=Source(sensor=f"s{number}", channel=CHANNEL),
            value=21.5,
            quality=Quality.GOOD,
            reason=Reason.CHANGE,
            code=None,
            stamp=STAMP,
        )
        assert json.loads(encoder.value(event, str(EPOCH), 1))["sensor"] == f"s{number}"
    assert len(encoder._sources) <= 10_000


def test_the_figures_of_a_bus_reach_back_a_minute() -> None:
    meter = WireMeter(lambda: 0.0)
    for second in range(0, 100_000, 5):
        meter.rates(second * 1000)
    assert len(meter._marks) <= 60 // 5 + 2
