"""The daemon as a process: how it starts with little, and how it stops whatever happens."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.system]

Wait = Callable[..., None]


@pytest.mark.alone
def test_a_stop_ends_within_five_seconds_while_the_broker_stands_still(
    gateway: Any, broker: Any, wait_until: Wait
) -> None:
    broker.start()
    gateway.start()
    wait_until(lambda: len(broker.heard) > 50)
    broker.freeze()
    time.sleep(0.5)
    code, seconds = gateway.terminate()
    assert code == 0
    assert seconds < 5.0
    broker.thaw()
    wait_until(lambda: b"offline" in broker.retained["sensors/v1/house/status"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_asks_again_and_again_gets_the_same_clean_stop(
    gateway: Any, broker: Any, wait_until: Wait, number: signal.Signals
) -> None:
    broker.start()
    gateway.start()
    wait_until(lambda: len(broker.heard) > 50)
    while gateway.process.poll() is None:
        gateway.process.send_signal(number)
        time.sleep(0.002)
    assert gateway.process.returncode == 0
    assert gateway.entries()[-1]["event"] == "gateway_stopped"
    wait_until(lambda: b"offline" in broker.retained["sensors/v1/house/status"])


def test_without_a_sensor_it_runs_says_so_and_is_online(gateway: Any, broker: Any, wait_until: Wait) -> None:
    broker.start()
    gateway.config.write_text(f"gateway: {{id: house}}\nmqtt: {{url: 'mqtt://127.0.0.1:{broker.door.port}'}}\n")
    gateway.start()
    wait_until(lambda: b"online" in broker.retained.get("sensors/v1/house/status", b""))
    wait_until(lambda: "sensors/v1/house/meta" in broker.retained)
    assert json.loads(broker.retained["sensors/v1/house/meta"])["sensors"] == {}
    wait_until(lambda: "no_sensors_yet" in [entry["event"] for entry in gateway.entries()])
    assert gateway.terminate()[0] == 0


def test_without_a_state_directory_it_runs_alone_and_says_what_is_lost(gateway: Any, wait_until: Wait) -> None:
    """No broker either, and no hot directory: what waits at the end was in memory alone."""
    gateway.state.write_text("a file is in the way")
    gateway.hot.rmdir()
    gateway.hot.write_text("another")
    gateway.start()
    wait_until(lambda: "gateway_started" in [entry["event"] for entry in gateway.entries()])
    first = gateway.process
    gateway.start()
    assert gateway.process.wait(20) == 75
    assert f"{gateway.state} is in use by another instance: stop that one first" in gateway.log.read_text()
    gateway.process = first
    wait_until(lambda: "sensor_first_reading" in [entry["event"] for entry in gateway.entries()])
    assert gateway.terminate()[0] == 0
    entries = {entry["event"]: entry for entry in gateway.entries()}
    assert entries["state_directory_not_usable"]["reason"] == "File exists"
    assert "--state-directory" in entries["state_directory_not_usable"]["mind"]
    lost, stopped = entries["outbox_events_lost"], entries["gateway_stopped"]
    assert lost["level"] == "warning"
    assert lost["events"] == stopped["waiting"] > 0


def test_without_a_directory_to_write_to_it_runs_delivers_and_says_so(
    gateway: Any, broker: Any, wait_until: Wait
) -> None:
    broker.start()
    for name in ("hot", "state"):
        path: Path = gateway.directory / name
        if path.exists():
            path.rmdir()
        path.write_text("a file is in the way")
    gateway.start()
    wait_until(lambda: len(broker.heard) > 50)
    assert gateway.terminate()[0] == 0
    events = [entry["event"] for entry in gateway.entries()]
    assert events.count("outbox_directory_not_usable") == 2
    assert "Traceback" not in gateway.log.read_text()
