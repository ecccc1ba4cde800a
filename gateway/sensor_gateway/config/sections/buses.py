"""The ``buses:`` section: one dataclass for each kind of bus, by what is written behind ``type:``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeAlias

from sensor_gateway.config.sections.recovery import RecoverSection
from sensor_gateway.config.values.notation import Mark, Within
from sensor_gateway.config.values.units import Hertz
from sensor_gateway.model.units import Seconds

_RECOVER: Final = "A program to run when all sensors of the bus are silent."
Recover: TypeAlias = Annotated[RecoverSection | None, _RECOVER, Mark.FALSE_IS_NONE]


@dataclass(frozen=True, slots=True, kw_only=True)
class I2cBusSection:
    """An I2C bus. ``i2c0``, ``i2c1`` and so on need no section of their own."""

    type: Annotated[Literal["i2c"], "An I2C bus of this computer."] = "i2c"
    path: Annotated[Path, "The device of the bus."]
    frequency: Annotated[
        Hertz,
        "The bus clock as the system set it (dtparam=i2c_arm_baudrate); only to judge whether the bus keeps up.",
        Within(1000, 5_000_000),
    ] = Hertz(100_000)
    recover: Recover = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialBusSection:
    """A serial port, with one talker or with several units on one line (RS-485)."""

    type: Annotated[Literal["serial"], "A serial port of this computer."] = "serial"
    port: Annotated[Path, "The device of the port; /dev/serial/by-id/... stays the same when plugs move."]
    baudrate: Annotated[int, "Bits per second.", Within(50, 4_000_000)] = 9600
    parity: Annotated[Literal["none", "even", "odd"], "Parity bit."] = "none"
    stopbits: Annotated[Literal[1, 2], "Stop bits."] = 1
    bytesize: Annotated[Literal[7, 8], "Data bits."] = 8
    recover: Recover = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxBusSection:
    """Devices that the kernel measures with, read one after the other. ``linux`` and ``linux-NAME`` need no section."""

    type: Annotated[Literal["linux"], "Devices of this computer's kernel."] = "linux"
    recover: Recover = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpBusSection:
    """A serial line behind a TCP port, whose bytes a device server passes on (ser2net, RTU over TCP)."""

    type: Annotated[Literal["tcp"], "A serial line behind a TCP port."] = "tcp"
    host: Annotated[str, "Address or name of the device server; an address needs no name server that answers."]
    port: Annotated[int, "The TCP port on which it waits.", Within(1, 65535)]
    connect_timeout: Annotated[Seconds, "Longest time to connect, look-up included.", Within(0.1, 30)] = Seconds(3.0)
    recover: Recover = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusTcpBusSection:
    """A Modbus TCP server: a device with a network socket, or a gateway with units on a line behind it."""

    type: Annotated[Literal["modbus_tcp"], "A Modbus TCP server."] = "modbus_tcp"
    host: Annotated[str, "Address or name of the server; an address needs no name server that answers."]
    port: Annotated[int, "The TCP port on which it waits.", Within(1, 65535)] = 502
    connect_timeout: Annotated[Seconds, "Longest time to connect, look-up included.", Within(0.1, 30)] = Seconds(3.0)
    recover: Recover = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedBusSection:
    """A bus in software, with chips that answer on the byte level."""

    type: Annotated[Literal["simulated"], "A bus in software."] = "simulated"
    kind: Annotated[Literal["i2c", "serial", "linux"], "The kind of bus it stands for."]
    seed: Annotated[int, "Another seed, other values.", Within(0, 2**63 - 1)] = 0
    scenario: Annotated[Path | None, "File that drives values over time and injects faults."] = None
    recover: Recover = None


BusSection: TypeAlias = (
    I2cBusSection | SerialBusSection | TcpBusSection | ModbusTcpBusSection | LinuxBusSection | SimulatedBusSection
)

BUS_TYPES: Final[Mapping[str, type]] = MappingProxyType(
    {
        "i2c": I2cBusSection,
        "serial": SerialBusSection,
        "tcp": TcpBusSection,
        "modbus_tcp": ModbusTcpBusSection,
        "linux": LinuxBusSection,
        "simulated": SimulatedBusSection,
    }
)
"""The sections of buses by what is written behind ``type:``."""
