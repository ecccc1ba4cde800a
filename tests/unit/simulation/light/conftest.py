from __future__ import annotations

import importlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from sensor_gateway.model.driver_spec import DriverSpec
from sensor_gateway.model.operations import Operation, Read, Wait, Write, WriteRead
from sensor_gateway.simulation.chips.chip import I2cChip, Mounting
from sensor_gateway.simulation.models import MODELS


class Bench:
    """A driver and the model of its chip on a table, under a lamp that the test turns."""

    def __init__(self, name: str, variant: str, options: Mapping[str, object], level: float) -> None:
        spec = importlib.import_module(f"sensor_drivers.{name}").SPEC
        assert isinstance(spec, DriverSpec)
        self.levels = {channel.name: 0.0 for channel in spec.variants[variant].channels}
        self.levels |= {name: level for name in self.levels if name == "illuminance"}
        self.now_s = 0.0
        self.waits: list[float] = []
        address = spec.variants[variant].addresses[0]
        chosen = spec.options(**options)
        self._mounting = Mounting(
            sensor="probe",
            spec=spec,
            variant=variant,
            options=chosen,
            address=address,
            interval_s=1.0,
            courses={name: lambda _at_s, name=name: self.levels[name] for name in self.levels},  # type: ignore[misc]
        )
        self.chip: I2cChip
        self.cut_power()
        self.driver: Any = spec.create(variant, chosen, address)
        self.perform(self.driver.identify())
        self.perform(self.driver.setup())

    def cut_power(self, *, now: bool = False) -> None:
        """And switch it on again: some time ago, or now."""
        mounting = replace(self._mounting, powered_s=self.now_s) if now else self._mounting
        self.chip = MODELS[mounting.spec.name](mounting)  # type: ignore[arg-type, assignment]

    def shine(self, level: float) -> None:
        """So bright, and time for what the chip does by itself."""
        self.levels["illuminance"] = level
        self.now_s += 5.0

    def measure(self) -> Mapping[str, float]:
        self.waits.clear()
        values: Mapping[str, float] = self.perform(self.driver.measure())
        return values

    def perform(self, steps: Generator[Operation, bytes, Any]) -> Any:
        answer: bytes | None = None
        while True:
            try:
                operation = steps.send(answer)  # type: ignore[arg-type]
            except StopIteration as end:
                return end.value
            answer = b""
            match operation:
                case Write(data):
                    self.chip.write(data, self.now_s)
                case Read(count):
                    answer = self.chip.read(count, self.now_s)
                case WriteRead(data, count):
                    self.chip.write(data, self.now_s)
                    answer = self.chip.read(count, self.now_s)
                case Wait(seconds):
                    self.waits.append(seconds)
                    self.now_s += seconds


@pytest.fixture
def bench() -> Callable[..., Bench]:
    def build(name: str, variant: str | None = None, level: float = 300.0, **options: object) -> Bench:
        return Bench(name, variant or name, options, level)

    return build
