"""What happens to the service on a whole machine, with the broker outside and the chips on the kernel's I2C bus."""

from __future__ import annotations

import random
import time

import pytest
from emulated.bench import Bench
from emulated.bridge import NODE
from emulated.chips import configuration
from emulated.making.ready import CHIPS
from emulated.service import Service
from emulated.subscriber import kept
from emulated.waiting import wait_for, wait_for_fresh
from proving.kills.broker import Broker
from proving.kills.judge import objections

OUTBOX = (
    "defaults: {interval: 500ms, heartbeat: 1s}\n"
    "outbox: {keep_free: 0MB, max_size: 8MB, drain_rate: 0, spill_after: 1s, flush_every: 1s}"
)


@pytest.fixture
def service(bench: Bench, broker: Broker) -> Service:
    bus = f"  wire: {{type: i2c, path: {NODE}}}"
    return Service(bench.machine, configuration(CHIPS, bus, OUTBOX, broker=broker.door.port))


def killed_three_times(broker: Broker, service: Service, seed: int) -> None:
    """kill -9 at random moments: with the broker there, while it is away, and after it came back."""
    chance = random.Random(seed)
    service.start()
    wait_for_fresh(broker)
    for is_online in (True, False, True):
        if not is_online:
            broker.door.shut()
        time.sleep(chance.uniform(0.5, 3.0))
        service.signal("KILL")
        broker.settle()
        time.sleep(chance.uniform(0.5, 3.0))
        if not is_online:
            broker.door.open()
        wait_for_fresh(broker)
    assert service.restarts() == 3
    service.stop()
    broker.settle()


@pytest.mark.timeout(3600)
def test_kill_9_at_random_moments_loses_nothing(broker: Broker, service: Service) -> None:
    killed_three_times(broker, service, seed=1)
    assert objections(broker.heard) == []
    assert len({event["epoch"] for event in broker.heard}) == 1
    assert kept(broker.heard).missing == {}


@pytest.mark.timeout(3600)
def test_the_judge_finds_what_is_lost_when_the_runtime_directory_goes_with_the_process(
    broker: Broker, service: Service
) -> None:
    service.drop_in("RuntimeDirectoryPreserve=no")
    killed_three_times(broker, service, seed=1)
    assert objections(broker.heard) != []


@pytest.mark.timeout(3600)
def test_a_process_that_was_stopped_for_a_while_goes_on_where_it_was(broker: Broker, service: Service) -> None:
    service.start()
    wait_for_fresh(broker)
    service.signal("STOP")
    time.sleep(5)
    service.signal("CONT")
    wait_for_fresh(broker)
    assert service.restarts() == 0
    service.stop()
    broker.settle()
    assert objections(broker.heard) == []


@pytest.mark.timeout(3600)
def test_the_watchdog_of_the_unit_replaces_a_process_that_stopped_for_good(broker: Broker, service: Service) -> None:
    service.start()
    wait_for_fresh(broker)
    service.signal("STOP")
    wait_for(lambda: service.restarts() == 1)
    wait_for_fresh(broker)
    assert any("Watchdog timeout" in record["MESSAGE"] for record in service.journal())
    service.stop()
    broker.settle()
    assert objections(broker.heard) == []
    assert kept(broker.heard).missing == {}
