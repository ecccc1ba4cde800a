"""Chips that know when they were disturbed, and a likeness of a Raspberry Pi's /dev and /sys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sensor_gateway.model.channel import Channel
from sensor_gateway.model.driver_spec import BusKind, DriverSpec, Heeds, Identity, Variant
from sensor_gateway.model.errors import Nack, WrongChip
from sensor_gateway.model.operations import Operation, Wait
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.sensing.scan.candidates import Candidate, candidates

T = Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=125, resolution=0.01)


class Asking:
    """A driver whose ``identify`` is a list of operations; the last answer must be ``right``."""

    def __init__(self, operations: Sequence[Operation], right: bytes, note: str) -> None:
        self.operations = operations
        self.right = right
        self.note = note

    def identify(self) -> Any:
        answer = b""
        for operation in self.operations:
            answer = (yield operation) or answer
        if answer != self.right:
            raise WrongChip("id", expected=self.right, got=answer)
        return Identity(part="PART", channels=("temperature",), note=self.note)

    def setup(self) -> Any:
        raise AssertionError("a scan sets nothing up")
        yield Wait(0)

    def measure(self) -> Any:
        raise AssertionError("a scan measures nothing")
        yield Wait(0)


def spec(
    name: str,
    *operations: Operation,
    heeds: Heeds | None = None,
    right: bytes = b"\x60",
    addresses: tuple[int, ...] = (0x40,),
    has_identity: bool = True,
    note: str = "",
) -> DriverSpec:
    variant = Variant(addresses=addresses, channels=(T,), part=name.upper(), has_identity=has_identity)
    return DriverSpec(
        name=name,
        summary="",
        bus=BusKind.I2C,
        variants={name: variant},
        create=lambda _variant, _options, _address: Asking(operations, right, note),
        replay=lambda _vector: {},
        vectors=(),
        heeds=heeds,
    )


def kinds(*specs: DriverSpec) -> tuple[Candidate, ...]:
    return candidates({name: one for one in specs for name in one.variants})


class Chip:
    """Answers what ``answers`` says, and remembers every write."""

    def __init__(self, answers: dict[bytes, bytes] | None = None, *, refuses: Sequence[bytes] = ()) -> None:
        self.answers = answers or {}
        self.refuses = refuses
        self.written: list[bytes] = []

    def transfer(self, address: int, data: bytes, count: int) -> bytes:
        if data in self.refuses:
            raise Nack("no")
        if data:
            self.written.append(data)
        return self.answers.get(data, b"")[:count].ljust(count, b"\xff")


class Bus:
    """An I2cBus with such chips; nobody answers elsewhere."""

    name = "i2c1"

    def __init__(self, chips: dict[int, Any], *, has_quick_write: bool = True) -> None:
        self.chips = chips
        self.has_quick_write = has_quick_write
        self.asked: list[tuple[int, bytes, int]] = []
        self.is_open = False
        self.trouble: Exception | None = None

    def open(self) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def transfer(self, address: int, data: bytes, count: int) -> bytes:
        assert self.is_open
        self.asked.append((address, data, count))
        if address not in self.chips:
            raise Nack("nobody")
        answer: bytes = self.chips[address].transfer(address, data, count)
        return answer


@pytest.fixture(scope="session")
def lab() -> SimpleNamespace:
    """What tests are made of."""
    return SimpleNamespace(spec=spec, kinds=kinds, Chip=Chip, Bus=Bus)


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., Path]:
    """Builds a root directory: buses by number with their adapters' names, kernel drivers by device, serial ports."""

    def build(
        buses: dict[int, str], drivers: dict[str, str] | None = None, ports: dict[str, str] | None = None
    ) -> Path:
        devices = tmp_path / "sys" / "bus" / "i2c" / "devices"
        (tmp_path / "dev").mkdir(exist_ok=True)
        devices.mkdir(parents=True, exist_ok=True)
        for number, adapter in buses.items():
            (tmp_path / "dev" / f"i2c-{number}").touch()
            (devices / f"i2c-{number}").mkdir()
            (devices / f"i2c-{number}" / "name").write_text(f"{adapter}\n")
        for device, driver in (drivers or {}).items():
            (devices / device).mkdir()
            folder = tmp_path / "sys" / "bus" / "i2c" / "drivers" / driver
            folder.mkdir(parents=True, exist_ok=True)
            (devices / device / "driver").symlink_to(folder)
        for name, target in (ports or {}).items():
            path = tmp_path / "dev" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if target:
                path.symlink_to(tmp_path / "dev" / target)
            else:
                path.touch()
        return tmp_path

    return build
