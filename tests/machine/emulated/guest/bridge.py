"""Runs in the guest: a USB bridge to I2C whose chips are the gateway's models, from a configuration of a simulated bus.

    bridge.py CONFIGURATION BUS

The kernel then has one more /dev/i2c-N, told by the name of its adapter. The models answer as they are; a scenario of
the configuration steers their values and their faults. Ending this process unplugs the bridge.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path
from typing import Final

from cp2112 import PRODUCT, VENDOR, Cp2112, Failed, Transfer, descriptor

from sensor_gateway.config.loading import load
from sensor_gateway.model.errors import Nack, WireError
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.buses import make_bus
from sensor_gateway.service.plans import sensor_plans
from sensor_gateway.service.system_clock import SystemClock
from sensor_gateway.simulation.i2c_bus import SimulatedI2cBus

# linux/uhid.h: the events, each a u32 and its payload, in the machine's byte order.
OUTPUT, GET_REPORT, GET_REPORT_REPLY, CREATE2, INPUT2, SET_REPORT, SET_REPORT_REPLY = 6, 9, 10, 11, 12, 13, 14
BUS_USB: Final = 3
MOST: Final = 4380
DATA_MAX: Final = 4096


def main() -> None:
    configuration, name = Path(sys.argv[1]), sys.argv[2]
    bridge = Cp2112(transfers_of(bus_of(configuration, name)))
    device = os.open("/dev/uhid", os.O_RDWR)
    os.write(device, creation())
    while True:
        event = os.read(device, MOST)
        for reply in replies(bridge, event):
            os.write(device, reply)


def bus_of(file: Path, name: str) -> SimulatedI2cBus:
    catalogue = DriverCatalogue()
    loaded = load(file, catalogue=catalogue, environ={}, needs_broker=False)
    configuration = loaded.configuration
    if configuration is None:
        sys.exit("\n".join(map(str, loaded.faults)))
    plans = [plan for plan in sensor_plans(configuration, catalogue) if configuration.sensors[plan.name].bus == name]
    bus = make_bus(name, configuration.buses[name], plans, SystemClock())
    assert isinstance(bus, SimulatedI2cBus)
    bus.open()
    return bus


def transfers_of(bus: SimulatedI2cBus) -> Transfer:
    def transfer(address: int, data: bytes, count: int) -> bytes | Failed:
        try:
            return bus.transfer(address, data, count)
        except Nack:
            return Failed.NACK
        except WireError:
            return Failed.TIMEOUT

    return transfer


def creation() -> bytes:
    text = descriptor()
    names = struct.pack("=128s64s64s", b"CP2112 in software", b"", b"")
    return struct.pack("=I", CREATE2) + names + struct.pack("=HHIIII", len(text), BUS_USB, VENDOR, PRODUCT, 1, 0) + text


def replies(bridge: Cp2112, event: bytes) -> list[bytes]:
    (kind,) = struct.unpack_from("=I", event)
    if kind == OUTPUT:
        (size,) = struct.unpack_from("=H", event, 4 + DATA_MAX)
        answer = bridge.output(event[4 : 4 + size])
        return [] if answer is None else [struct.pack("=IH", INPUT2, len(answer)) + answer]
    if kind == GET_REPORT:
        number, report = struct.unpack_from("=IB", event, 4)
        told = bridge.feature(report)
        return [struct.pack("=IIHH", GET_REPORT_REPLY, number, 0, len(told)) + told]
    if kind == SET_REPORT:
        (number,) = struct.unpack_from("=I", event, 4)
        return [struct.pack("=IIH", SET_REPORT_REPLY, number, 0)]
    return []


if __name__ == "__main__":
    main()
