"""A running gateway whose real-time clock alone is shifted, by an hour, by a day and by 56 years, and back.

Nothing may come of it but another time in the events: what is measured when, what is news, what waits, what is dropped
and what is kept rests on time since boot.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from proving.certificates import Authority
from proving.clock_shift import ShiftedClock, why_not
from proving.kills.broker import Broker
from proving.kills.gateway import GatewayProcess

from sensor_gateway.service.demonstration.loopback_ports import free_port

pytestmark = [pytest.mark.system, pytest.mark.skipif(bool(why_not()), reason=why_not() or "it can be done")]

HOUR_S, DAY_S, YEARS_56_S = 3600, 86_400, 56 * 31_557_600
SHIFTS_S = [-HOUR_S, DAY_S, YEARS_56_S, 0]

Event = dict[str, Any]
Run = Callable[..., "Shifted"]


def config(port: int, source: str = "assume") -> str:
    """``fast`` says each reading, ``steady`` its heartbeats, ``paced`` one event a second, ``banded`` half degrees."""
    return f"""\
gateway: {{id: house}}
mqtt: {{url: 'mqtt://127.0.0.1:{port}', retry_max: 1s}}
clock: {{hold: 0s, source: {source}}}
outbox: {{keep_free: 0MB, drain_rate: 0, spill_after: 1s, flush_every: 500ms, max_age: 60s}}
buses: {{wire: {{type: simulated, kind: i2c}}}}
defaults: {{interval: 200ms, heartbeat: 1min}}
sensors:
  fast: {{driver: tmp1075, bus: wire, address: 0x48, channels: {{temperature: {{deadband: 0, heartbeat: 2s}}}}}}
  steady: {{driver: tmp1075, bus: wire, address: 0x49, channels: {{temperature: {{deadband: 500, heartbeat: 1s}}}}}}
  paced: {{driver: tmp1075, bus: wire, address: 0x4a, channels: {{temperature: {{deadband: 0, at_most: 1s}}}}}}
  banded: {{driver: tmp1075, bus: wire, address: 0x4b, channels: {{temperature: {{deadband: 0.5}}}}}}
"""


BY_WALL_TIME = """
import time
from sensor_gateway.service.system_clock import SystemClock

SystemClock.monotonic = lambda self: time.time()
"""
AGE_BY_WALL_TIME = """
import dataclasses
from sensor_gateway.outbox.clocks.boot_clock import BootClock
from sensor_gateway.outbox.files.moment import Moment

sound = BootClock.look
BootClock.look = lambda self, now: dataclasses.replace(sound(self, now), wall_ms=now.wall_ms)
Moment.age_ms = lambda self, now: now.wall_ms - self.wall_ms
"""
STAMP_BY_WALL_TIME = """
import time
from sensor_gateway.service import system_clock

system_clock._uptime_ms = lambda: time.time_ns() // 1_000_000
"""
TIMESYNCD = """
from pathlib import Path
from sensor_gateway.service.time_sources import choice
from sensor_gateway.service.time_sources.timesyncd import Timesyncd

choice.SOURCES = {"timesyncd": lambda: Timesyncd(Path(__file__).parent / "timesync")}
"""
"""systemd-timesyncd's mark is looked for in the test's folder."""


def uptime_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class Shifted:
    """A gateway, its broker, and its clock; ``objections`` is what is found wrong."""

    def __init__(self, folder: Path, *, source: str = "assume", change: str = "", patience_s: float = 30.0) -> None:
        self.broker = Broker(folder)
        self.clock = ShiftedClock(folder)
        self.gateway = GatewayProcess(
            folder, config(self.broker.door.port, source), change=change, environ=self.clock.environ
        )
        self.heard: list[Event] = []
        self.objections: list[str] = []
        self._patience_s = patience_s

    def start(self) -> Shifted:
        self.broker.start()
        self.gateway.start()
        return self

    def end(self) -> None:
        if self.gateway.is_running:
            self.gateway.kill()
        self.broker.stop()

    def values(self, sensor: str) -> list[Event]:
        self.heard += self.broker.take()
        return [event for event in self.heard if event.get("sensor") == sensor]

    def goes_on(self, *, seconds: float = 2.5) -> bool:
        """Wait until each sensor said what it measured so many seconds from now; objects where one does not."""
        after_ms = uptime_ms() + seconds * 1000
        deadline_s = time.monotonic() + seconds + self._patience_s
        for sensor in ("fast", "steady", "paced"):
            while not any(event["uptime_ms"] >= after_ms for event in self.values(sensor)[-20:]):
                if time.monotonic() > deadline_s or not self.gateway.is_running:
                    self.objections.append(f"{sensor} is silent {self.clock.seconds:+} s off")
                    return False
                time.sleep(0.05)
        return True

    def live_through_shifts(self) -> None:
        """Shift while connected, while the broker is away, and while what waited is sent."""
        if not self.goes_on():
            return
        for seconds in SHIFTS_S:
            self.clock.shift(seconds)
            if not self.goes_on():
                return
            self.judge_states()
        for seconds in (YEARS_56_S, -HOUR_S):
            self.broker.door.shut()
            time.sleep(2.5)  # until what waits is on the disk
            self.clock.shift(seconds)
            time.sleep(1.5)
            self.broker.door.open()
            if not self.goes_on(seconds=0.5):
                return
        self.clock.shift(0)
        self.goes_on(seconds=0.5)
        self.judge_states()

    def judge_states(self) -> None:
        for sensor in ("fast", "steady", "paced"):
            state = json.loads(self.broker.retained[f"sensors/v1/house/state/{sensor}/temperature"])
            if state["quality"] != "good":
                self.objections.append(f"{sensor} is shown as {state['quality']} {self.clock.seconds:+} s off")
        for topic, payload in self.broker.retained.items():
            if topic.endswith("/status") and json.loads(payload)["state"] != "online":
                self.objections.append(f"the gateway is shown as offline {self.clock.seconds:+} s off")

    def judge_stream(self) -> None:
        """Order, completeness, intervals, deadband, heartbeats and what the events say of their time."""
        self.heard += self.broker.take()
        first = {event["id"]: event for event in reversed(self.heard)}
        once = sorted(first.values(), key=lambda event: event.get("seq", 0))
        if kinds := {event["type"] for event in once} - {"value", "epoch"}:
            self.objections.append(f"there are {kinds}: {[event for event in once if event['type'] in kinds][:2]}")
        numbered = [event["seq"] for event in once if "seq" in event]
        if numbered != list(range(1, len(numbered) + 1)):
            self.objections.append("seqs are missing")
        for sensor in ("fast", "steady", "paced", "banded"):
            self.judge_channel(sensor, [event for event in once if event.get("sensor") == sensor])

    def judge_channel(self, sensor: str, events: list[Event]) -> None:
        if any(event["quality"] != "good" for event in events):
            self.objections.append(f"{sensor} was not good all the time")
        steps_ms = [after["uptime_ms"] - before["uptime_ms"] for before, after in pairwise(events)]
        least_ms, most_ms = {"fast": (50, 6000), "steady": (600, 6000), "paced": (800, 8000)}.get(sensor, (1, 90_000))
        if wrong := [step for step in steps_ms if not 0 < step <= most_ms]:
            self.objections.append(f"{sensor} has steps of {wrong[:5]} ms")
        if (
            steps_ms and median(steps_ms) < least_ms
        ):  # a machine that is busy reads late at times, and the next time in time
            self.objections.append(f"{sensor} has steps of {median(steps_ms)} ms, half of the time")
        if sensor == "banded":
            moved = [
                abs(after["value"] - before["value"])
                for before, after in pairwise(events)
                if after["reason"] == "change"
            ]
            if any(by < 0.499 for by in moved):
                self.objections.append(f"the deadband was not kept: {min(moved)}")
        if sensor == "steady" and {event["reason"] for event in events[1:]} != {"heartbeat"}:
            self.objections.append("the heartbeat was not all that was said")


def shown_offset_s(event: Event) -> float:
    """What the event's time makes of its uptime."""
    return datetime.fromisoformat(event["time"]).timestamp() - event["uptime_ms"] / 1000


@pytest.fixture
def shifted(tmp_path: Path) -> Iterator[Run]:
    made: list[Shifted] = []

    def make(**settings: Any) -> Shifted:
        made.append(Shifted(tmp_path, **settings))
        return made[-1]

    yield make
    for each in made:
        each.end()


def test_shifts_of_the_clock_disturb_nothing(shifted: Run) -> None:
    run = shifted().start()
    run.live_through_shifts()
    run.judge_stream()
    assert run.objections == []
    true_s = time.time() - uptime_ms() / 1000
    off_s = {round(shown_offset_s(event) - true_s) for event in run.values("fast")}
    assert off_s == {0, -HOUR_S, DAY_S, YEARS_56_S}, "events say what the clock showed"
    assert {event["clock"] for event in run.values("fast")} == {"synced"}
    entries = run.gateway.entries()
    by_s = [entry["by_s"] for entry in entries if entry["event"] == "clock_jumped"]
    assert by_s[:1] == [-3600.0], entries
    expected = {"gateway_started", "bus_opened", "sensor_found", "sensor_online", "clock_jumped"}
    unexpected = [
        entry for entry in entries if entry["level"] in {"warning", "error"} and entry["event"] not in expected
    ]
    assert not [entry for entry in unexpected if "broker" not in entry["event"] and "connect" not in entry["event"]]
    assert run.gateway.terminate()[0] == 0


@pytest.mark.parametrize("change", [BY_WALL_TIME, AGE_BY_WALL_TIME, STAMP_BY_WALL_TIME])
def test_a_gateway_that_goes_by_the_wall_clock_is_found_out(shifted: Run, change: str) -> None:
    """The control: what schedules, ages or measures time by CLOCK_REALTIME is seen."""
    run = shifted(change=change, patience_s=4.0).start()
    run.live_through_shifts()
    run.judge_stream()
    assert run.objections


def test_a_boot_in_1970_is_corrected_as_soon_as_the_clock_is_set(
    shifted: Run, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    (tmp_path / "timesync").mkdir()
    run = shifted(source="timesyncd", change=TIMESYNCD)
    run.clock.shift(-int(time.time()) + 1000)
    run.start()
    wait_until(lambda: len(run.values("fast")) > 5)
    assert {event["clock"] for event in run.values("fast")} == {"unsynced"}
    assert all(event["time"].startswith("1970-01-01") for event in run.values("fast"))
    run.broker.door.shut()
    time.sleep(3.0)
    early = {event["id"] for event in run.values("fast")}
    run.clock.shift(0)
    (tmp_path / "timesync" / "synchronized").touch()
    time.sleep(6.0)  # the mark is looked for every 5 s
    run.broker.door.open()
    wait_until(lambda: any(event["clock"] == "synced" for event in run.values("fast")))
    run.broker.settle()
    true_s = time.time() - uptime_ms() / 1000
    late = [event for event in run.values("fast") if event["id"] not in early]
    assert {event["clock"] for event in late} == {"corrected", "synced"}
    assert all(abs(shown_offset_s(event) - true_s) < 0.5 for event in late)
    (clock,) = [event for event in run.heard if event["type"] == "clock"]
    assert abs(clock["offset_ms"] / 1000 - true_s) < 0.5
    assert clock["boot"] == late[0]["boot"]
    for topic, payload in run.broker.retained.items():
        if topic.endswith("/status") or "/availability/" in topic:
            assert abs(datetime.fromisoformat(json.loads(payload)["since"]).timestamp() - time.time()) < 120, topic
    names = [entry["event"] for entry in run.gateway.entries()]
    assert names.count("clock_not_set") == 1
    assert names.count("clock_set") == 1


def test_dates_of_certificates_follow_the_clock_only_when_a_connection_is_made(
    tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    authority, port, clock = Authority(tmp_path / "authority"), free_port(), ShiftedClock(tmp_path)
    pair = authority.sign("broker")
    settings = tmp_path / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\ncertfile {pair.certificate}\nkeyfile {pair.key}\n"
    )
    secure = config(port).replace("mqtt: {url: 'mqtt:", f"mqtt: {{tls: {{ca_file: {authority.file}}}, url: 'mqtts:")
    gateway = GatewayProcess(tmp_path, secure, environ=clock.environ)

    def said(event: str) -> list[Event]:
        return [entry for entry in gateway.entries() if entry["event"] == event]

    broker = subprocess.Popen(["/usr/sbin/mosquitto", "-c", str(settings)], stderr=subprocess.DEVNULL)
    try:
        gateway.start()
        wait_until(lambda: said("broker_connected"))
        clock.shift(YEARS_56_S)
        time.sleep(3.0)
        assert not said("broker_lost"), "a connection that stands does not look at the date again"
        broker.kill()
        broker.wait()
        broker = subprocess.Popen(["/usr/sbin/mosquitto", "-c", str(settings)], stderr=subprocess.DEVNULL)
        wait_until(lambda: any("ahead" in str(entry) for entry in gateway.entries()))
        clock.shift(0)
        wait_until(lambda: len(said("broker_connected")) == 2)
    finally:
        if gateway.is_running:
            gateway.kill()
        broker.kill()
        broker.wait()
