"""A configuration that changes while the gateway runs: the real daemon, buses in software, mosquitto."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from proving.kept import kept
from proving.kills.broker import Broker
from proving.kills.gateway import GatewayProcess

from sensor_gateway.service.configuration.last_good import FILE, PROVEN_AFTER_S

pytestmark = [pytest.mark.system]

Wait = Callable[..., None]

INTERVAL_MS = 500

COUNTS = """
import json
import os
from sensor_gateway.sensing.poller import Poller

sound = Poller.run

def run(self):
    sound(self)
    counted = {"event": "counted", "bus": self._bus.name, "missed": self.counters.missed}
    os.write(1, f"{json.dumps(counted)}\\n".encode())

Poller.run = run
"""
"""Tells what each bus thread has missed in its life: a line in one piece, since the threads end together."""

RESTARTS_ALL = (
    COUNTS
    + """
import dataclasses
from sensor_gateway.service.configuration import difference

difference._with_old_plans = lambda old, new: dataclasses.replace(
    new,
    buses={name: dataclasses.replace(bus, scenario=object()) for name, bus in new.buses.items()},
)
"""
)
"""The control: a reload that begins everything anew."""

RELOADS_IN_A_TIGHT_SPOT = """
import os
import signal
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.service.daemon import Daemon

opened, stopped = Outbox.open, Daemon._stop

def open_late(**facts):
    os.kill(os.getpid(), signal.SIGHUP)
    return opened(**facts)

def stop(self):
    print(self.reload(), flush=True)
    os.kill(os.getpid(), signal.SIGHUP)
    return stopped(self)

Outbox.open, Daemon._stop = open_late, stop
"""


class House:
    """A gateway whose configuration is written by the test."""

    def __init__(self, gateway: GatewayProcess, broker: Broker, wait_until: Wait) -> None:
        self.gateway = gateway
        self.broker = broker
        self.wait_until = wait_until
        self.reloads = 0
        self.url = f"mqtt://127.0.0.1:{broker.door.port}"
        self.buses = {"wire": "{type: simulated, kind: i2c}", "other": "{type: simulated, kind: i2c}"}
        self.sensors = {
            f"s{number}": f"{{driver: tmp1075, bus: {bus}, address: {0x48 + number:#x}}}"
            for number, bus in enumerate(("wire", "wire", "wire", "other"))
        }
        self.more = ""
        self.write()

    def write(self) -> None:
        buses = "".join(f"  {name}: {section}\n" for name, section in self.buses.items())
        sensors = "".join(
            f"  {name}: {section[:-1]}, channels: {{temperature: {{deadband: 0}}}}}}\n"
            for name, section in self.sensors.items()
        )
        self.gateway.config.write_text(
            f"gateway: {{id: house}}\nmqtt: {{url: '{self.url}', retry_max: 1s}}\nclock: {{hold: 0s}}\n"
            "outbox: {keep_free: 0MB, drain_rate: 0}\n"
            f"defaults: {{interval: {INTERVAL_MS}ms, heartbeat: 100ms}}\n"
            f"buses:\n{buses}sensors:\n{sensors}{self.more}"
        )

    def start(self) -> None:
        self.gateway.start()
        self.wait_until(lambda: "gateway_started" in self.events())

    def reload(self) -> dict[str, Any]:
        """Write the file, ask for a reload, and wait for its end: the line that tells of it."""
        self.write()
        return self.ask()

    def ask(self) -> dict[str, Any]:
        assert self.gateway.process is not None
        self.gateway.process.send_signal(signal.SIGHUP)
        self.reloads += 1
        ends = {"configuration_reloaded", "reload_refused", "configuration_not_used"}
        self.wait_until(lambda: sum(self.events()[name] for name in ends) >= self.reloads)
        return [entry for entry in self.gateway.entries() if entry["event"] in ends][-1]

    def events(self) -> Counter[str]:
        return Counter(entry["event"] for entry in self.gateway.entries())

    def uptimes(self, sensor: str) -> list[int]:
        """When a sensor was measured: a heartbeat faster than its interval tells each measurement."""
        return sorted({event["uptime_ms"] for event in [*self.broker.heard] if event.get("sensor") == sensor})

    def longest_pause_ms(self, sensor: str) -> int:
        moments = self.uptimes(sensor)
        return max(later - earlier for earlier, later in pairwise(moments))

    def reasons(self, sensor: str) -> Counter[str]:
        return Counter(event["reason"] for event in [*self.broker.heard] if event.get("sensor") == sensor)

    def availability(self, sensor: str) -> dict[str, Any]:
        payload = self.broker.retained.get(f"sensors/v1/house/availability/{sensor}", b"")
        return json.loads(payload) if payload else {}

    def retained_now(self) -> dict[str, bytes]:
        """What a client that comes now is given."""
        return kept(self.broker.port, "sensors/#")

    def described(self) -> dict[str, Any]:
        """The sensors that the gateway describes."""
        sensors: dict[str, Any] = json.loads(self.broker.retained["sensors/v1/house/meta"])["sensors"]
        return sensors


@pytest.fixture
def house(tmp_path: Path, broker: Broker, wait_until: Wait) -> Iterator[House]:
    broker.start()
    house = House(GatewayProcess(tmp_path, "", change=COUNTS), broker, wait_until)
    yield house
    if house.gateway.is_running:
        house.gateway.kill()


def reload_often(house: House, times: int) -> None:
    """Reloads that change, add and remove neighbours of s0, s2 and s3, on both buses, with much to do on them."""
    for number in range(10, 14):
        house.sensors[f"s{number}"] = f"{{driver: tmp1075, bus: other, address: {0x42 + number:#x}, interval: 20ms}}"
    house.write()
    house.start()
    house.wait_until(lambda: len(house.uptimes("s0")) > 3)
    for turn in range(times):
        house.sensors["s1"] = f"{{driver: tmp1075, bus: wire, address: 0x49, interval: {400 + turn}ms}}"
        house.sensors["s10"] = f"{{driver: tmp1075, bus: other, address: 0x4c, interval: {20 + turn}ms}}"
        if turn % 2:
            house.sensors["s9"] = "{driver: tmp1075, bus: wire, address: 0x4f}"
        else:
            house.sensors.pop("s9", None)
        assert house.reload()["event"] == "configuration_reloaded"
    time.sleep(2 * INTERVAL_MS / 1000)


@pytest.mark.alone
def test_twenty_reloads_under_load_take_no_poll_from_an_untouched_sensor(house: House) -> None:
    reload_often(house, 20)
    for sensor in ("s0", "s2", "s3"):
        reasons = house.reasons(sensor)
        assert reasons["first"] == 1, sensor
        assert reasons["fault"] == reasons["recovery"] == 0
        assert house.longest_pause_ms(sensor) < 1.9 * INTERVAL_MS, "one that was left out makes it twice"
    assert house.gateway.terminate()[0] == 0
    counted = {entry["bus"]: entry["missed"] for entry in house.gateway.entries() if entry["event"] == "counted"}
    assert counted["wire"] == 0
    seqs = [event["seq"] for event in house.broker.heard if "seq" in event]
    assert seqs == list(range(1, len(seqs) + 1)), "each event once, in order, and none is missing"
    assert house.events()["bus_restarted"] == house.events()["bus_thread_ended"] == 0


def test_a_reload_that_begins_everything_anew_would_be_found_out(
    tmp_path: Path, broker: Broker, wait_until: Wait
) -> None:
    """The control."""
    broker.start()
    house = House(GatewayProcess(tmp_path, "", change=RESTARTS_ALL), broker, wait_until)
    try:
        reload_often(house, 3)
        assert house.reasons("s0")["first"] > 1
    finally:
        house.gateway.kill()


def test_a_removed_sensor_says_offline_its_topics_are_cleared_and_its_events_arrive(house: House) -> None:
    house.start()
    house.wait_until(lambda: house.availability("s1").get("state") == "online")
    house.wait_until(lambda: "sensors/v1/house/state/s1/temperature" in house.retained_now())
    house.broker.door.shut()
    time.sleep(1.5)
    del house.sensors["s1"]
    entry = house.reload()
    assert entry["changes"] == ["sensor s1 was removed"]
    before = len(house.uptimes("s1"))
    command = ["mosquitto_sub", "-p", str(house.broker.port), "-t", "sensors/v1/house/availability/s1", "-C", "3"]
    with subprocess.Popen([*command, "-W", "60"], stdout=subprocess.PIPE) as listener:
        assert listener.stdout is not None
        told = [listener.stdout.readline()]
        house.broker.door.open()
        told += [listener.stdout.readline() for _ in range(2)]
    states = [json.loads(line)["state"] if line.strip() else None for line in told]
    assert states == ["online", "offline", None]
    house.wait_until(lambda: len(house.uptimes("s1")) > before)
    house.wait_until(lambda: not [topic for topic in house.retained_now() if "/s1" in topic])
    assert "sensors/v1/house/availability/s0" in house.retained_now()
    house.wait_until(lambda: "s1" not in house.described())


def test_an_added_sensor_is_read_and_described_and_an_interval_and_a_driver_change(house: House) -> None:
    house.start()
    house.wait_until(lambda: house.availability("s3").get("state") == "online")
    house.sensors["lamp"] = "{driver: tsl2561, bus: wire, address: 0x39}"
    house.sensors["s2"] = "{driver: lm75, bus: wire, address: 0x4a, interval: 100ms}"
    lamp = "{driver: bh1750, bus: other, address: 0x23}"
    house.write()
    text = house.gateway.config.read_text().replace(
        "address: 0x39, channels: {temperature: {deadband: 0}}}", "address: 0x39}"
    )
    house.gateway.config.write_text(text)
    assert house.ask()["changes"] == ["sensor s2 was changed", "sensor lamp was added"]
    house.wait_until(lambda: house.availability("lamp").get("state") == "online")
    house.wait_until(lambda: house.reasons("s2")["first"] == 2)
    house.wait_until(lambda: "lamp" in house.described())
    meta = house.described()
    assert (meta["s2"]["driver"], meta["s2"]["interval_s"], meta["lamp"]["driver"]) == ("lm75", 0.1, "tsl2561")
    house.gateway.config.write_text(text.replace("{driver: tsl2561, bus: wire, address: 0x39}", lamp))
    assert house.ask()["changes"] == ["sensor lamp was changed"]
    house.wait_until(lambda: house.described()["lamp"]["driver"] == "bh1750")
    house.wait_until(lambda: house.availability("lamp").get("state") == "online")
    assert house.reasons("s0")["first"] == house.reasons("s3")["first"] == 1


def test_a_bus_whose_section_changed_is_opened_anew_and_its_neighbour_is_not(house: House) -> None:
    house.start()
    house.wait_until(lambda: len(house.uptimes("s3")) > 2)
    house.buses["wire"] = "{type: simulated, kind: i2c, seed: 5}"
    assert house.reload()["changes"] == ["bus wire is opened anew"]
    house.wait_until(lambda: house.reasons("s0")["first"] == 2)
    house.buses["third"] = "{type: simulated, kind: i2c}"
    house.sensors["s3"] = "{driver: tmp1075, bus: third, address: 0x4b}"
    assert house.reload()["changes"] == ["sensor s3 was changed"]
    house.wait_until(lambda: house.reasons("s3")["first"] == 2)
    house.wait_until(lambda: house.availability("s3").get("state") == "online")
    assert house.reasons("s0")["first"] == 2


def test_a_faulty_file_changes_nothing_and_each_fault_is_told_with_its_place(house: House) -> None:
    house.start()
    house.wait_until(lambda: len(house.uptimes("s0")) > 2)
    house.more = "  s20: {driver: bme2800, bus: wire}\n  s21: {driver: bme280}\n"
    house.sensors["s1"] = "{driver: tmp1075, bus: wire, address: 0x49, interval: 7s}"
    assert house.reload()["mind"] == "the gateway goes on as it was"
    faults = [entry for entry in house.gateway.entries() if entry["event"] == "configuration_faulty"]
    lines = house.gateway.config.read_text().splitlines()
    assert {lines[fault["line"] - 1].split(":")[0].strip() for fault in faults} == {"s20", "s21"}
    assert all(fault["file"] == str(house.gateway.config) and fault["column"] > 1 for fault in faults)
    house.more = ""
    assert house.reload()["changes"] == ["sensor s1 was changed"]
    assert house.reasons("s0")["first"] == 1


def test_what_needs_a_restart_is_refused_with_a_sentence_that_says_so(house: House) -> None:
    house.start()
    house.write()
    text = house.gateway.config.read_text()
    house.gateway.config.write_text(text.replace("{id: house}", "{id: barn}"))
    entry = house.ask()
    assert entry["event"] == "reload_refused"
    assert "restart the gateway" in entry["reasons"][0]
    house.gateway.config.write_text(text)
    assert house.ask()["changes"] == []


def test_health_tells_that_the_file_is_not_used_and_its_interval_and_the_form_of_states_are_reloaded(
    house: House,
) -> None:
    def health() -> dict[str, Any]:
        payload = house.broker.retained.get("sensors/v1/house/health", b"")
        return json.loads(payload) if payload else {}

    def change(what: str, by: str) -> dict[str, Any]:
        house.gateway.config.write_text(house.gateway.config.read_text().replace(what, by))
        return house.ask()

    state = "sensors/v1/house/state/s0/temperature"
    house.start()
    house.wait_until(lambda: house.broker.retained.get(state, b"").startswith(b"{"))
    house.wait_until(lambda: health().get("alarms") == [])
    assert health()["configuration"] == ""
    change("keep_free: 0MB", "keep_free: 0MB, max_age: 1d")
    house.wait_until(lambda: health()["alarms"] == ["configuration"])
    assert "restart the gateway" in health()["configuration"]
    change(", max_age: 1d", "")
    house.wait_until(lambda: health()["alarms"] == [])
    assert change("{id: house}", "{id: house, health_interval: 10s}")["changes"] == [
        "the interval of health messages was changed"
    ]
    house.wait_until(lambda: health()["interval_s"] == 10.0)
    change("health_interval: 10s", "health_interval: false")
    house.wait_until(lambda: health() == {})
    assert "sensors/v1/house/health" not in house.retained_now()
    assert change("retry_max: 1s", "retry_max: 1s, payload: value")["changes"] == [
        "the connection to the broker is made anew"
    ]
    house.wait_until(lambda: re.fullmatch(rb"-?[0-9.]+", house.broker.retained[state]) is not None)
    assert house.reasons("s0")["first"] == 1, "and no sensor noticed anything"


def test_another_broker_gets_all_that_the_first_has_not_acknowledged(house: House, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    second = Broker(tmp_path / "second")
    second.start()
    try:
        house.start()
        house.wait_until(lambda: len(house.uptimes("s0")) > 2)
        house.broker.door.shut()
        time.sleep(1.0)
        house.url = f"mqtt://127.0.0.1:{second.door.port}"
        assert house.reload()["changes"] == ["the connection to the broker is made anew"]
        house.wait_until(lambda: b"online" in second.retained.get("sensors/v1/house/status", b""))
        house.wait_until(lambda: any("replayed" not in event for event in [*second.heard]))
        assert house.gateway.terminate()[0] == 0
        second.settle()
        first, rest = ({event["seq"] for event in broker.heard if "seq" in event} for broker in (house.broker, second))
        assert first
        assert first | rest == set(range(1, max(rest) + 1)), "nothing is missing over both"
        house.wait_until(lambda: b"offline" in house.broker.retained["sensors/v1/house/status"])
    finally:
        second.stop()


def test_a_start_with_a_faulty_file_runs_by_the_last_one_that_ran(house: House) -> None:
    house.start()
    house.wait_until((house.gateway.state / FILE).exists, PROVEN_AFTER_S + 20)
    assert house.gateway.terminate()[0] == 0
    kept = (house.gateway.state / FILE).read_bytes()
    house.more = "  s20: {driver: bme2800, bus: wire}\n"
    house.write()
    strict = house.gateway.run("--strict")
    assert strict.wait(30) == os.EX_CONFIG
    house.gateway.start()
    house.wait_until(lambda: house.events()["gateway_started"] == 2)
    house.reloads = house.events()["configuration_not_used"]
    (fault,) = [entry for entry in house.gateway.entries() if entry["event"] == "configuration_faulty"]
    assert (fault["file"], fault["line"]) == (str(house.gateway.config), house.gateway.config.read_text().count("\n"))
    house.wait_until(lambda: house.reasons("s0")["first"] == 2)
    house.more = ""
    assert house.reload()["event"] == "configuration_reloaded"
    assert house.gateway.terminate()[0] == 0
    assert (house.gateway.state / FILE).read_bytes() == kept
    damaged = kept[:-5]
    (house.gateway.state / FILE).write_bytes(damaged)
    house.more = "  s20: {driver: bme2800, bus: wire}\n"
    house.write()
    house.gateway.start()
    assert house.gateway.process is not None
    assert house.gateway.process.wait(30) == os.EX_CONFIG, "what is damaged is no fallback, and does no other harm"


def test_a_reload_during_start_and_stop_ends_nothing_and_is_answered(
    tmp_path: Path, broker: Broker, wait_until: Wait
) -> None:
    broker.start()
    house = House(GatewayProcess(tmp_path, "", change=RELOADS_IN_A_TIGHT_SPOT), broker, wait_until)
    house.start()
    house.wait_until(lambda: house.events()["configuration_reloaded"] == 1)
    assert house.gateway.terminate()[0] == 0
    assert "the gateway is stopping" in house.gateway.log.read_text()
    assert house.gateway.entries()[-1]["event"] == "gateway_stopped"


def test_a_gateway_whose_terminal_goes_away_ends(house: House) -> None:
    leader, terminal = pty.openpty()
    command = [
        sys.executable, "-m", "sensor_gateway", "run", "--config", str(house.gateway.config),
        "--state-directory", str(house.gateway.state),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)
    os.close(terminal)
    try:
        text = b""
        while b"gateway_started" not in text:
            text += os.read(leader, 4096)
        os.close(leader)
        process.send_signal(signal.SIGHUP)
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
