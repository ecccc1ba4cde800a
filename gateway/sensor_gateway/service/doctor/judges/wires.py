"""Judges the buses and ports that the configuration uses."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sensor_gateway.service.doctor.finding import Finding, advice, ok, unseen, wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A sensor's address that a kernel driver owns."""

    sensor: str
    address: int
    driver: str
    bus_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WireFacts:
    """One bus. ``trouble``: why it could not be opened, "" if it could, None where that was not tried.

    ``holder`` says who uses it, if known. ``set_hz`` and ``real_hz`` are the clock of an I2C bus: as configured, and
    as the device tree has it; None where that is not known.
    """

    name: str
    device: str
    trouble: str | None
    is_there: bool
    holder: str
    set_hz: int | None
    real_hz: int | None
    taken: tuple[Taken, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorFacts:
    """One sensor that was asked: ``failure`` is empty where it answered; None: it was not asked, for a reason."""

    name: str
    bus: str
    failure: str | None
    reason: str = ""


def judge_wire(wire: WireFacts) -> Iterator[Finding]:
    """Whether it is there, can be used, and is as fast as the configuration believes."""
    subject = f"buses.{wire.name}"
    if wire.trouble:
        yield wrong(subject, wire.trouble, _remedy(wire.trouble) or "sensor-gateway scan")
    elif not wire.is_there:
        yield wrong(subject, f"there is no {wire.device}", "sensor-gateway scan")
    elif wire.trouble is None:
        used = f"is used by {wire.holder}" if wire.holder else "is there, and was not opened since a gateway runs"
        yield ok(subject, f"{wire.device} {used}")
    else:
        yield ok(subject, f"{wire.device} can be opened")
    if wire.set_hz is not None and wire.real_hz is not None and wire.set_hz != wire.real_hz:
        yield advice(
            subject,
            f"the configuration says {wire.set_hz} Hz, the system has set {wire.real_hz} Hz",
            f"buses: {{{wire.name}: {{type: i2c, path: {wire.device}, frequency: {wire.real_hz}Hz}}}}",
        )
    for taken in wire.taken:
        yield wrong(
            f"sensors.{taken.sensor}",
            f"the kernel driver {taken.driver} owns address {taken.address:#04x} on {wire.name}",
            f"echo {taken.bus_number}-{taken.address:04x} | sudo tee /sys/bus/i2c/drivers/{taken.driver}/unbind",
        )


def judge_sensors(sensors: Sequence[SensorFacts], file: Path) -> Iterator[Finding]:
    """Each that gave nothing; one finding for all that answered. ``file``: the configuration."""
    for sensor in sensors:
        if sensor.failure:
            yield wrong(
                f"sensors.{sensor.name}",
                sensor.failure,
                "sensor-gateway scan   # which addresses answer; then look at power, wires and pull-ups",
            )
        elif sensor.failure is None:
            yield unseen(
                f"sensors.{sensor.name}",
                f"it was not asked: {sensor.reason}",
                f"sensor-gateway read {sensor.name} --config {shlex.quote(str(file))}",
            )
    well = [sensor.name for sensor in sensors if sensor.failure == ""]
    if well:
        yield ok("sensors", f"{', '.join(well)} answer{'s' if len(well) == 1 else ''}")


def _remedy(sentence: str) -> str:
    """The command that a door's own sentence names, between backquotes; empty where it names none."""
    _, _, rest = sentence.partition("`")
    command, closing, _ = rest.partition("`")
    return command if closing else ""
