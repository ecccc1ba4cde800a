"""What each I2C driver costs: lines, vectors, and CPU for one measurement, as a table for benchmarks/README.md.

The chip model answers once; then its answers are played back, so that no model is in the figures. "alone" is the
driver's generator with its formulas; "with engine" adds what performs its operations and checks its values
(``sensing/engine.py``), on a bus that costs nothing. Ratios to the SHT4x carry over to other machines.

usage: python benchmarks/drivers.py [quick]
"""

from __future__ import annotations

import inspect
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from sensor_gateway.driver import BusKind, Channel, DriverSpec, Wait
from sensor_gateway.sensing.engine import DriverRun
from sensor_gateway.sensing.plan import plan_alone
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.i2c_bus import SimulatedI2cBus, Socket
from sensor_gateway.simulation.models import MODELS
from sensor_gateway.simulation.virtual_clock import VirtualClock

UNIT = "sht4x"
ILLUMINANCE_LX = 417.5
SETTLING_POLLS = 3
MEASUREMENTS = 20
"""Of one series."""


@dataclass(slots=True, kw_only=True)
class Bench:
    """One driver: what is measured, and the least microseconds of CPU for one measurement so far."""

    spec: DriverSpec
    transfers: int
    alone: Callable[[], None]
    with_engine: Callable[[], None]
    alone_us: float = float("inf")
    engine_us: float = float("inf")

    def turn(self) -> None:
        """One short series of each: short ones are the least disturbed by what else the machine does."""
        self.alone_us = min(self.alone_us, cpu_us(self.alone))
        self.engine_us = min(self.engine_us, cpu_us(self.with_engine))


class Tape:
    """A transfer function that keeps the chip's answers, and plays the last measurement of them for ever."""

    def __init__(self, bus: SimulatedI2cBus) -> None:
        self._bus = bus
        self._answers: list[bytes] = []
        self._at = 0

    def record(self, address: int, data: bytes, count: int) -> bytes:
        """Ask the chip."""
        answer = self._bus.transfer(address, data, count)
        self._answers.append(answer)
        return answer

    def cut(self) -> None:
        """Begin anew: what follows is one measurement."""
        self._answers.clear()

    def play(self, _address: int, _data: bytes, _count: int) -> bytes:
        """The next answer."""
        answer = self._answers[self._at]
        self._at = (self._at + 1) % len(self._answers)
        return answer

    @property
    def answers(self) -> Sequence[bytes]:
        """Of one measurement."""
        return self._answers


def true_value(channel: Channel) -> float:
    """A value that the default options can measure."""
    return ILLUMINANCE_LX if channel.name == "illuminance" else channel.low + 0.3 * (channel.high - channel.low)


def bench_of(spec: DriverSpec) -> Bench:
    """The first variant with its default options."""
    variant, options = next(iter(spec.variants)), spec.options()
    address = spec.variants[variant].addresses[0]
    plan = plan_alone("probe", spec, variant, options, address)
    true = {planned.source.channel.name: true_value(planned.source.channel) for planned in plan.channels}
    true |= {name: 6_000.0 for name in ("clear", "red", "green", "blue") if name in true}
    true |= {"gas_resistance": 87_654.0} if "gas_resistance" in true else {}
    clock = VirtualClock()
    mounting = Mounting(
        sensor="probe",
        spec=spec,
        variant=variant,
        options=options,
        address=address,
        interval_s=1.0,
        courses={name: lambda _at_s, value=value: value for name, value in true.items()},  # type: ignore[misc]
    )
    model: Any = MODELS[spec.name]
    bus = SimulatedI2cBus("bench", [Socket(model=model, mounting=mounting)], clock=clock)
    bus.open()
    tape = Tape(bus)
    run = DriverRun(plan, transfer=tape.record)
    for _ in range(SETTLING_POLLS):
        tape.cut()
        while (pause_s := run.resume()) is not None:
            clock.advance(pause_s)
        clock.advance(10.0)
    run._transfer = tape.play  # noqa: SLF001 - the tape takes the place of the bus
    driver: Any = run._driver  # noqa: SLF001 - the driver as the engine has set it up

    def with_engine() -> None:
        while run.resume() is not None:
            pass

    def alone() -> None:
        _performed(driver.measure(), tape.answers)

    return Bench(spec=spec, transfers=len(tape.answers), alone=alone, with_engine=with_engine)


def _performed(steps: Any, answers: Sequence[bytes]) -> None:
    following = iter(answers)
    operation = next(steps)
    try:
        while True:
            operation = steps.send(b"" if type(operation) is Wait else next(following))
    except StopIteration:
        return


def cpu_us(measure: Callable[[], None]) -> float:
    """Microseconds of CPU for one measurement, of a short series."""
    began_s = time.process_time()
    for _ in range(MEASUREMENTS):
        measure()
    return (time.process_time() - began_s) / MEASUREMENTS * 1e6


def lines_of(spec: DriverSpec) -> int:
    """Of its file, vectors included, and of those beside it that it imports."""
    source = Path(inspect.getfile(spec.create)).read_text()
    others = set(re.findall(r"^(?:from|import) (sensor_drivers\.\w+) ", source, re.MULTILINE))
    files = [Path(inspect.getfile(import_module(other))).read_text() for other in sorted(others)]
    return sum(len(text.splitlines()) for text in (source, *files))


def main() -> None:
    rounds = 10 if "quick" in sys.argv[1:] else 300
    specs = {point.value: point.load() for point in entry_points(group="sensor_gateway.drivers")}
    drivers = [spec for spec in specs.values() if spec.bus is BusKind.I2C and spec.name in MODELS and not spec.evidence]
    benches = [bench_of(spec) for spec in sorted(drivers, key=lambda spec: str(spec.name))]
    for _ in range(rounds):  # in turn, so that all are measured when the machine is quick, and when it is slow
        for bench in benches:
            bench.turn()
    unit_us = next(bench.engine_us for bench in benches if bench.spec.name == UNIT)
    print("| driver | lines | vectors | transfers | CPU µs alone | with engine | in SHT4x |")
    print("|---|---|---|---|---|---|---|")
    for bench in benches:
        spec = bench.spec
        print(
            f"| {spec.name} | {lines_of(spec)} | {len(spec.vectors)} | {bench.transfers} | {bench.alone_us:.1f} "
            f"| {bench.engine_us:.1f} | {bench.engine_us / unit_us:.1f} |"
        )


if __name__ == "__main__":
    main()
