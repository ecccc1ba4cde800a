"""The README's table of sensors is made from the drivers: ``python tests/house/test_readme.py`` writes it anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path

from sensor_gateway.driver import BusKind, DriverSpec, Vector
from sensor_gateway.sensing.plan import plan_alone
from sensor_gateway.sensing.scan.candidates import Candidate, candidates
from sensor_gateway.sensing.scan.identification import Identifier
from sensor_gateway.simulation.build import simulated_bus
from sensor_gateway.simulation.virtual_clock import VirtualClock

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- sensors: made by tests/house/test_readme.py -->\n", "<!-- end of sensors -->\n"
BUSES = {"i2c": "I2C", "serial": "serial", "serial_stream": "serial", "linux": "kernel"}
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z][\w.-]*")
"""A source that begins with one is a repository's test; every other one is a datasheet, manual or article."""


def test_the_table_of_sensors_is_what_the_drivers_say() -> None:
    text = README.read_text("utf-8")
    assert text == with_table(text), "python tests/house/test_readme.py writes it anew"


def table(specs: Sequence[DriverSpec]) -> str:
    """One row for each driver, as Markdown."""
    kinds = candidates({name: spec for spec in specs for name in spec.variants})
    rows = [
        "| driver | bus | measures | told by `scan` | vectors, and who says so |",
        "|---|---|---|---|---|",
        *(f"| {' | '.join(_cells(spec, kinds))} |" for spec in sorted(specs, key=_place)),
    ]
    return "\n".join(rows) + "\n"


def installed() -> list[DriverSpec]:
    """Our drivers, each once."""
    found = {point.value: point for point in entry_points(group="sensor_gateway.drivers")}
    ours = [point.load() for value, point in found.items() if value.startswith("sensor_drivers.")]
    return [spec for spec in ours if isinstance(spec, DriverSpec)]


def with_table(page: str) -> str:
    """The README with today's table."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table(installed())}{END}{after}"


def _place(spec: DriverSpec) -> tuple[int, str]:
    kinds = list(BUSES)
    return kinds.index(spec.bus.value), spec.name


def _cells(spec: DriverSpec, kinds: Sequence[Candidate]) -> Iterator[str]:
    yield " ".join(f"`{name}`" for name in spec.variants)
    yield BUSES[spec.bus.value]
    yield _measures(spec)
    yield _told_by_scan(spec, kinds)
    yield f"{len(spec.vectors)}: {_sources(spec.vectors)}"


def _measures(spec: DriverSpec) -> str:
    if spec.channels_of is not None and not any(variant.channels for variant in spec.variants.values()):
        return spec.summary.partition(": ")[2] or "as configured"
    names = dict.fromkeys(channel.name for variant in spec.variants.values() for channel in variant.channels)
    return ", ".join(name.replace("_", " ") for name in names)


def _told_by_scan(spec: DriverSpec, kinds: Sequence[Candidate]) -> str:
    """Those whose chip model a scan recognises."""
    told = [name for name in spec.variants if spec.bus is BusKind.I2C and _is_recognised(spec, name, kinds)]
    if len(told) == len(spec.variants):
        return "yes"
    return " ".join(f"`{name}`" for name in told) or "no"


def _is_recognised(spec: DriverSpec, variant: str, kinds: Sequence[Candidate]) -> bool:
    clock = VirtualClock()
    address = spec.variants[variant].addresses[0]
    plan = plan_alone("sensor", spec, variant, spec.options(), address)
    bus = simulated_bus("i2c1", "i2c", [plan], clock=clock)
    bus.open()
    chip = Identifier(kinds, bus.transfer, clock.advance).identify(address).chip
    return chip is not None and variant in chip.candidate.names


def _sources(vectors: Iterable[Vector]) -> str:
    """Repositories by name; documents together."""
    names = []
    for vector in vectors:
        repository = REPOSITORY.search(vector.source)
        names.append("datasheets" if repository is None else repository[0])
    return ", ".join(sorted(set(names), key=lambda name: (name == "datasheets", name.lower())))


if __name__ == "__main__":
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")
