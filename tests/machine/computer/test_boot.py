"""The package on a machine that boots as a whole: the service begins by itself, and the power fails under it."""

from __future__ import annotations

import time
from typing import Final

import pytest
from emulated.bench import Bench
from emulated.bridge import NODE
from emulated.chips import configuration
from emulated.cuts import SYNC_S, wrong_after_cuts
from emulated.making.ready import CHIPS
from emulated.service import Service
from emulated.waiting import wait_for_fresh
from proving.kills.broker import Broker

DEFAULT_S: Final = 5.0 + 5.0 + SYNC_S
"""What may be lost with the outbox as it is where nothing is said of it: spill_after, flush_every, one sync."""
NORMAL: Final = "defaults: {interval: 1s, heartbeat: 2s}"


@pytest.mark.timeout(3600)
def test_a_machine_that_loses_its_power_boots_and_delivers_what_waited(bench: Bench, broker: Broker) -> None:
    """With the state on its root file system, and the configuration as it is by default."""
    bus = f"  wire: {{type: i2c, path: {NODE}}}"
    service = Service(bench.machine, configuration(CHIPS, bus, NORMAL, broker=broker.door.port))
    bench.machine.run("sync")
    bench.machine.stop()
    bench.machine.boot()
    wait_for_fresh(broker)
    assert service.restarts() == 0
    assert bench.machine.run("systemctl --failed --plain --no-legend").strip() == ""
    broker.door.shut()
    time.sleep(20)
    cut_s = service.uptime_s()
    bench.machine.cut()
    broker.settle()
    broker.door.open()
    bench.machine.boot()
    wait_for_fresh(broker)
    service.stop()
    broker.settle()
    assert wrong_after_cuts(broker.heard, [cut_s], DEFAULT_S) == []
