"""What every I2C bus promises. The kernel's needs a machine with one; the bus in software runs everywhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import BusMissing, WireError
from sensor_gateway.sensing.bus import I2cBus
from sensor_gateway.service.system_clock import SystemClock
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.lm75 import Lm75
from sensor_gateway.simulation.i2c_bus import SimulatedI2cBus, Socket
from sensor_gateway.simulation.scenario import FaultKind, LinkFault
from sensor_gateway.simulation.virtual_clock import VirtualClock

CHIP, NOBODY = 0x48, 0x50


def build(clock: Clock, *faults: LinkFault) -> SimulatedI2cBus:
    mounting = Mounting(
        sensor="probe",
        spec=None,  # type: ignore[arg-type]  # an LM75 does not look at its driver
        variant="lm75",
        options=None,
        address=CHIP,
        interval_s=1.0,
        courses={"temperature": lambda _at_s: 25.0},
    )
    return SimulatedI2cBus("bus", [Socket(model=Lm75, mounting=mounting)], clock=clock, faults=faults)


@pytest.fixture(params=[SystemClock, VirtualClock], ids=["real time", "virtual time"])
def bus(request: pytest.FixtureRequest) -> I2cBus:
    """A closed bus with an LM75 at 0x48 in 25 degrees, and nobody at 0x50."""
    make_clock: Callable[[], Clock] = request.param
    return build(make_clock())


def test_a_closed_bus_is_missing(bus: I2cBus) -> None:
    with pytest.raises(BusMissing):
        bus.transfer(CHIP, b"", 2)


def test_opening_and_closing_twice_is_once(bus: I2cBus) -> None:
    bus.open()
    bus.open()
    assert bus.transfer(CHIP, b"\x00", 2) == b"\x19\x00"
    bus.close()
    bus.close()
    with pytest.raises(BusMissing):
        bus.transfer(CHIP, b"\x00", 2)
    bus.open()
    assert bus.transfer(CHIP, b"\x00", 2) == b"\x19\x00"


def test_exactly_as_many_bytes_come_as_were_asked_for(bus: I2cBus) -> None:
    bus.open()
    assert [len(bus.transfer(CHIP, b"\x00", count)) for count in (0, 1, 2, 8)] == [0, 1, 2, 8]


def test_nobody_is_a_wire_error_and_the_bus_lives_on(bus: I2cBus) -> None:
    bus.open()
    for data, count in ((b"", 2), (b"\x00", 0), (b"\x00", 2), (b"", 0)):
        with pytest.raises(WireError):
            bus.transfer(NOBODY, data, count)
    assert bus.transfer(CHIP, b"\x00", 2) == b"\x19\x00"


def test_a_delay_waits_in_real_time_and_a_close_ends_it() -> None:
    bus = build(SystemClock(), LinkFault(kind=FaultKind.DELAY, sensor="probe", by_s=0.1))  # type: ignore[arg-type]
    bus.open()
    began_s = time.monotonic()
    bus.transfer(CHIP, b"\x00", 2)
    assert time.monotonic() - began_s >= 0.1
    hung = build(SystemClock(), LinkFault(kind=FaultKind.DELAY, sensor="probe", by_s=600.0))  # type: ignore[arg-type]
    hung.open()
    threading.Timer(0.1, hung.close).start()
    began_s = time.monotonic()
    hung.transfer(CHIP, b"\x00", 2)
    assert time.monotonic() - began_s < 30.0
