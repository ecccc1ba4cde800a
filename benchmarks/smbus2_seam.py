"""Chips in software behind the real smbus2: its ioctl is answered here, everything above it is unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import smbus2.smbus2

from sensor_gateway.model.errors import WireError
from sensor_gateway.sensing.bus import I2cBus

I2C_FUNCS = 0x0705
I2C_RDWR = 0x0707
I2C_M_RD = 0x0001
PLAIN_I2C = 0x0FFF8001
EREMOTEIO = 121


def put_chips_behind_smbus2(buses: Mapping[str, I2cBus]) -> None:
    """From now on a device node (a path) is the simulated bus of that path."""
    by_descriptor: dict[int, I2cBus] = {}

    def ioctl(descriptor: int, request: int, argument: Any, *_: object) -> int:
        if request == I2C_FUNCS:
            argument.value = PLAIN_I2C
            return 0
        if request != I2C_RDWR:
            raise OSError(25, "not an operation of a bus")
        bus = by_descriptor.get(descriptor)
        if bus is None:
            bus = by_descriptor[descriptor] = buses[str(Path(f"/proc/self/fd/{descriptor}").readlink())]
        _transact(bus, argument)
        return int(argument.nmsgs)

    smbus2.smbus2.ioctl = ioctl  # type: ignore[attr-defined]


def _transact(bus: I2cBus, argument: Any) -> None:
    messages = [argument.msgs[number] for number in range(argument.nmsgs)]
    data = b"".join(_written(message) for message in messages if not message.flags & I2C_M_RD)
    reads = [message for message in messages if message.flags & I2C_M_RD]
    count = reads[0].len if reads else 0
    try:
        answer = bus.transfer(messages[0].addr, data, count)
    except WireError as error:
        raise OSError(EREMOTEIO, str(error)) from error
    for place, byte in enumerate(answer):
        reads[0].buf[place] = byte


def _written(message: Any) -> bytes:
    return bytes(item if isinstance(item, int) else item[0] for item in message.buf[: message.len])
