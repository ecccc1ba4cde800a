"""How a device of the kernel is written as a sensor: its driver, and the options by which that finds it again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from sensor_gateway.model.errors import DeviceMissing, MeasurementError
from sensor_gateway.model.operations import KernelDevice
from sensor_gateway.sensing.engine import DriverRun
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.sysfs.devices import FoundDevice, inputs

THERMOMETERS: Final[Mapping[str, str]] = MappingProxyType(
    {"28": "ds18b20", "10": "ds18s20", "22": "ds1822", "3b": "ds1825", "42": "ds28ea00"}
)
"""Families on 1-wire, and the names of their drivers."""

_CHANNELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "temp": "temperature",
        "humidity": "humidity",
        "humidityrelative": "humidity",
        "in": "voltage",
        "voltage": "voltage",
        "curr": "current",
        "current": "current",
        "power": "power",
        "energy": "energy",
        "fan": "fan",
        "pressure": "pressure",
        "illuminance": "illuminance",
        "concentration_co2": "carbon_dioxide",
        "distance": "distance",
        "resistance": "resistance",
    }
)
_FILE: Final = re.compile(r"(?:in_)?([a-z]+)(\d*)((?:_[a-z0-9]+)*)_(?:input|raw)")


def as_sensor(device: FoundDevice, others: Sequence[FoundDevice] = ()) -> Mapping[str, object] | None:
    """Keys and values of a sensor's section; None for a device that measures nothing we know.

    ``path`` is among them where one of ``others`` has the same name.
    """
    if device.kind == "w1":
        driver = THERMOMETERS.get(device.name[:2])
        return {"driver": driver, "id": device.name} if driver and inputs(device) else None
    reads = _reads(inputs(device))
    if not reads:
        return None
    written: dict[str, object] = {"driver": "linux", "chip": device.name.partition("@")[0]}
    if sum(other.kind == device.kind and other.name == device.name for other in others) > 1 and device.place:
        written["path"] = device.place.rpartition("/")[2]
    return {**written, "reads": reads}


def device_of(plan: SensorPlan) -> KernelDevice | None:
    """The device that a sensor is read from: the first one that its driver asks for. None where it asks for none."""
    asked: list[KernelDevice] = []

    def note(device: KernelDevice, name: str) -> bytes:
        asked.append(device)
        raise DeviceMissing(f"{name} was asked for, and is not read")

    with suppress(MeasurementError):
        DriverRun(plan, read_file=note).resume()
    return asked[0] if asked else None


def _reads(files: Sequence[str]) -> dict[str, str]:
    known = [(file, found) for file in files if (found := _FILE.fullmatch(file)) and _channel(found)]
    words = [_channel(found) for _, found in known]
    reads = {}
    for (file, found), word in zip(known, words, strict=True):
        more = (found[2], *found[3].strip("_").split("_")) if words.count(word) > 1 else ()
        reads["_".join(filter(None, (word, *more)))] = file
    return reads


def _channel(found: re.Match[str]) -> str:
    return _CHANNELS.get(f"{found[1]}{found[3]}") or _CHANNELS.get(found[1], "")
