"""Real drivers, real engine and real door, over a tree of files in the place of /sys."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sensor_drivers.ds18b20 import SPEC as ONE_WIRE
from sensor_drivers.ds18b20 import Options as Number
from sensor_drivers.linux import SPEC as LINUX
from sensor_drivers.linux_files import Options as Device
from sensor_gateway.model.checksums import crc8_maxim
from sensor_gateway.sensing.bus import Bus
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.plan import SensorPlan, plan_alone
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.sensing.sysfs.door import KernelFiles
from sensor_gateway.service.system_clock import SystemClock
from sensor_gateway.simulation.virtual_clock import VirtualClock

NUMBER = "28-0316a2794cff"
BOILER = plan_alone("boiler", ONE_WIRE, "ds18b20", Number(id=NUMBER), 0)
CPU = plan_alone("cpu", LINUX, "linux", Device(chip="cpu_thermal"), 0)
ATTIC = plan_alone("attic", LINUX, "linux", Device(chip="bme280", path="1-0076"), 0)
ZONE = "virtual/thermal/thermal_zone0"

SCRATCHPADS = {
    26.187: "a3 01 4b 46 7f ff 0d 10 ce",
    85.0: "50 05 4b 46 7f ff 0c 10 1c",
    -1.375: "ea ff 4b 46 7f ff 0c 10 11",
}


def w1_slave(celsius: float, verdict: str = "YES") -> str:
    shown = SCRATCHPADS[celsius]
    return f"{shown} : crc={shown[-2:]} {verdict}\n{shown} t={round(celsius * 1000)}\n"


class Silence:
    def info(self, event: str, /, **facts: object) -> None: ...

    debug = warning = error = info


class Watch:
    """A poller over the tree, and its news so far."""

    def __init__(self, bus: Bus, plans: Sequence[SensorPlan]) -> None:
        self.clock = VirtualClock()
        self.outlet = Outlet(1000, lambda: None)
        self.poller = Poller(bus=bus, sensors=plans, clock=self.clock, outlet=self.outlet, log=Silence(), slack_s=0.05)
        self.states: list[Any] = []

    def news(self, seconds: float = 0.5) -> list[tuple[str, str, float | None, str | None]]:
        """Sensor, reason, value and code of all that was said in the next seconds."""
        end_s = self.clock.monotonic() + seconds
        events: list[Any] = []
        while self.clock.monotonic() < end_s:
            wait_s = self.poller.step()
            taken, states = self.outlet.take()
            events += taken
            self.states += states
            self.clock.advance(min(max(wait_s, 1e-3), end_s - self.clock.monotonic()))
        return [(e.source.sensor, e.reason.value, e.value, e.code and e.code.value) for e in events]


def test_a_thermometer_and_a_processor_are_read(tree: Any, door: KernelFiles) -> None:
    tree.w1(NUMBER, w1_slave(26.187))
    tree.hwmon(0, ZONE, "cpu_thermal", temp1_input="48312\n")
    watch = Watch(door, [BOILER, CPU])
    assert watch.news() == [("boiler", "first", 26.1875, None), ("cpu", "first", 48.312, None)]


def test_another_order_of_the_devices_after_a_restart_changes_nothing(tree: Any, door: KernelFiles) -> None:
    tree.hwmon(0, "pci0/nvme0", "nvme", temp1_input="33000\n")
    tree.hwmon(1, ZONE, "cpu_thermal", temp1_input="48312\n")
    assert Watch(door, [CPU]).news() == [("cpu", "first", 48.312, None)]
    door.close()
    for folder in (tree.root / "class/hwmon").iterdir():
        tree.unplug(folder.resolve())
    tree.hwmon(0, "virtual/thermal/thermal_zone1", "cpu_thermal", temp1_input="50100\n")
    tree.hwmon(1, "pci0/nvme1", "nvme", temp1_input="33000\n")
    assert Watch(door, [CPU]).news() == [("cpu", "first", 50.1, None)]


def test_a_device_whose_number_another_one_takes_is_a_fault_and_never_that_ones_value(
    tree: Any, door: KernelFiles
) -> None:
    cpu = tree.hwmon(1, ZONE, "cpu_thermal", temp1_input="48312\n")
    watch = Watch(door, [CPU])
    assert watch.news() == [("cpu", "first", 48.312, None)]
    tree.unplug(cpu)
    tree.hwmon(1, ZONE, "nvme", temp1_input="33000\n")
    assert watch.news(10) == [("cpu", "fault", None, "missing")]
    tree.hwmon(2, "virtual/thermal/thermal_zone1", "cpu_thermal", temp1_input="50100\n")
    assert watch.news(40) == [("cpu", "recovery", 50.1, None)]


def test_a_thermometer_that_vanishes_is_a_fault_and_comes_back_as_a_recovery(tree: Any, door: KernelFiles) -> None:
    folder = tree.w1(NUMBER, w1_slave(26.187))
    watch = Watch(door, [BOILER])
    watch.news()
    tree.unplug(folder)
    assert watch.news(10) == [("boiler", "fault", None, "missing")]
    assert "check its three wires" in watch.states[-1].reason
    tree.w1(NUMBER, w1_slave(-1.375))
    assert watch.news(40) == [("boiler", "recovery", -1.375, None)]


def test_the_first_reading_may_be_the_power_on_value_and_is_not_believed(tree: Any, door: KernelFiles) -> None:
    folder = tree.w1(NUMBER, w1_slave(85.0))
    watch = Watch(door, [BOILER])
    assert watch.news() == [("boiler", "fault", None, "power_on")]
    (folder / "w1_slave").write_text(w1_slave(26.187))
    assert watch.news(10) == [("boiler", "recovery", 26.1875, None)]
    (folder / "w1_slave").write_text(w1_slave(85.0))
    assert watch.news(10) == [("boiler", "fault", None, "power_on")]


def test_85_degrees_that_were_reached_are_believed(tree: Any, door: KernelFiles) -> None:
    near = "4c 05 4b 46 7f ff 0c 10"
    crc = f"{crc8_maxim(bytes.fromhex(near)):02x}"
    folder = tree.w1(NUMBER, f"{near} {crc} : crc={crc} YES\n{near} {crc} t=84750\n")
    watch = Watch(door, [BOILER])
    assert watch.news() == [("boiler", "first", 84.75, None)]
    (folder / "w1_slave").write_text(w1_slave(85.0))
    assert watch.news(1) == [("boiler", "change", 85.0, None)]


@pytest.mark.parametrize(
    ("text", "code"), [(w1_slave(26.187, "NO"), "crc"), ("", "timeout"), ("garbage\n", "crc")], ids=["NO", "empty", "?"]
)
def test_what_the_kernel_could_not_read_is_a_fault_of_its_kind(
    tree: Any, door: KernelFiles, text: str, code: str
) -> None:
    tree.w1(NUMBER, text)
    assert Watch(door, [BOILER]).news() == [("boiler", "fault", None, code)]


def test_devices_that_fail_together_are_not_taken_for_a_stuck_bus(tree: Any, door: KernelFiles) -> None:
    tree.w1(NUMBER, "")
    tree.iio(0, "i2c-1/1-0076", "bme280")
    watch = Watch(door, [BOILER, CPU, ATTIC])
    codes = {(sensor, code) for sensor, _, _, code in watch.news(60)}
    assert codes == {("boiler", "timeout"), ("cpu", "missing"), ("attic", "missing")}


class RealThread:
    """A poller in a thread of its own, and a bell that rings with its first news."""

    def __init__(self, tree: Any, *plans: SensorPlan) -> None:
        self.bell = threading.Event()
        self.outlet = Outlet(1000, self.bell.set)
        self.poller = Poller(
            bus=KernelFiles("linux", sysfs=tree.root),
            sensors=plans,
            clock=SystemClock(),
            outlet=self.outlet,
            log=Silence(),
            slack_s=0.05,
        )
        self.thread = threading.Thread(target=self.poller.run, daemon=True)

    @property
    def heard(self) -> set[str]:
        return {event.source.sensor for event in self.outlet.take()[0] if event.value is not None}


@contextmanager
def running(*threads: RealThread) -> Iterator[None]:
    for each in threads:
        each.thread.start()
    try:
        yield
    finally:
        for each in threads:
            each.poller.stop()
        for each in threads:
            each.thread.join(5)
            assert not each.thread.is_alive()


@pytest.fixture
def slow(tree: Any) -> Path:
    """A thermometer whose file blocks whoever opens it, until somebody writes: as the kernel does for 750 ms."""
    file = tree.w1(NUMBER, "") / "w1_slave"
    file.unlink()
    os.mkfifo(file)
    tree.hwmon(0, ZONE, "cpu_thermal", temp1_input="48312\n")
    return file


def test_a_read_that_takes_long_holds_no_other_sensor_up(tree: Any, slow: Path) -> None:
    boiler, cpu = RealThread(tree, BOILER), RealThread(tree, CPU)
    with running(boiler, cpu):
        writer = os.open(slow, os.O_WRONLY)  # returns when the read has begun
        assert cpu.bell.wait(5)
        assert cpu.heard == {"cpu"}
        assert boiler.heard == set()
        boiler.bell.clear()
        os.write(writer, w1_slave(26.187).encode())
        os.close(writer)
        boiler.poller.stop()
        boiler.thread.join(5)
        assert boiler.heard == {"boiler"}


def test_in_one_thread_it_would(tree: Any, slow: Path) -> None:
    """The control for the test above: sensors that share a bus wait for each other."""
    both = RealThread(tree, BOILER, CPU)
    with running(both):
        writer = os.open(slow, os.O_WRONLY)
        assert (both.poller.counters.polls, both.heard) == (1, set())
        os.write(writer, w1_slave(26.187).encode())
        os.close(writer)
        both.poller.stop()
        both.thread.join(5)
