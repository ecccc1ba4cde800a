"""What a reload publishes: what is gone is taken back until the broker has confirmed it, and not once more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from proving.logs import Journal

from sensor_gateway.outbox.identity import Machine
from sensor_gateway.service.building.publication import published_anew, publishing_plan
from sensor_gateway.service.configuration.setup import Setup
from sensor_gateway.service.refused_events import RefusedEvents
from sensor_gateway.service.retained.home_assistant import with_discovery
from sensor_gateway.service.retained.topics import RetainedTopics

MACHINE = Machine(boot_id="1b4e28ba", hardware_id="serial-1")
BENCH = "  bench: {driver: tmp1075, bus: wire, address: 0x49}\n"
OF_BENCH = ("sensors/v1/house/state/bench/temperature", "sensors/v1/house/availability/bench")


def test_a_topic_is_cleared_until_that_is_confirmed_and_not_at_every_later_reload(
    tmp_path: Path, house: str, setup_from: Callable[[str], Setup]
) -> None:
    retained = RetainedTopics(tmp_path, MACHINE, Journal())
    setup = setup_from(house)
    plan = publishing_plan(setup, MACHINE.boot, RefusedEvents(tmp_path / "refused", Journal()))
    first = with_discovery(plan, None, setup, retained)
    without = setup_from(house.replace(BENCH, ""))
    second = published_anew(first, without, retained)
    assert second.settlement.cleared == OF_BENCH
    assert RetainedTopics(tmp_path, MACHINE, Journal()).read() == second.settlement.meanwhile, "before it is published"
    third = published_anew(second, without, retained)
    assert third.settlement.cleared == OF_BENCH, "nothing has confirmed it"
    third.remember_topics(third.settlement.wanted)
    assert published_anew(third, without, retained).settlement.cleared == ()
