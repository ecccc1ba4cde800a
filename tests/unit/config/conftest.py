"""A catalogue of made-up drivers, one of each kind, so that these tests stand without the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest

from sensor_gateway.config.loading import Loaded, load_text
from sensor_gateway.model.channel import Channel
from sensor_gateway.model.driver_spec import BusKind, DriverSpec, Variant
from sensor_gateway.model.errors import OperatorError
from sensor_gateway.model.quantity import HUMIDITY, QUANTITIES, TEMPERATURE
from sensor_gateway.model.units import Bytes, Seconds

T = Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=85, resolution=0.01, deadband=0.1)
H = Channel(name="humidity", quantity=HUMIDITY, low=0, high=100, resolution=0.1, deadband=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipOptions:
    oversampling: Annotated[Literal[1, 2, 4], "Samples per measurement."] = 2
    mode: Literal["fast", "fine"] = "fine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    register: Annotated[int, "Wire address, from 0."]
    function: Literal["holding", "input"] = "holding"
    type: Literal["s16", "u16", "f32"] = "u16"
    scale: float = 1.0
    quantity: Literal["temperature", "carbon_dioxide", "illuminance"] = "temperature"

    def __post_init__(self) -> None:
        if self.register >= 40000:
            raise ValueError(f"register {self.register} is a manual's number; did you mean {self.register - 40001}?")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterOptions:
    registers: Annotated[Mapping[str, Register], "What to read."]
    timeout: Seconds = Seconds(0.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkerOptions:
    pattern: str = ""
    columns: tuple[str, ...] = ()
    window: tuple[float, int] | None = None
    buffer: Bytes = Bytes(4096)
    silence: Seconds | None = None
    either: int | Literal["all"] = "all"
    names: Mapping[str, int] = field(default_factory=dict)
    log: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableOptions:
    made_of: complex = 0j


def _channels_of(options: MeterOptions) -> tuple[Channel, ...]:
    return tuple(
        Channel(name=name, quantity=QUANTITIES[register.quantity], low=-1e6, high=1e6, resolution=register.scale)
        for name, register in options.registers.items()
    )


def _overlaps(options: MeterOptions) -> tuple[str, ...]:
    taken: dict[int, str] = {}
    for name, register in options.registers.items():
        if register.register in taken:
            return (f"registers: {name} is register {register.register}, as {taken[register.register]} is",)
        taken[register.register] = name
    return ()


def _spec(name: str, bus: BusKind, variants: Mapping[str, Variant], **rest: object) -> DriverSpec:
    return DriverSpec(  # type: ignore[call-arg]
        name=name,
        summary=f"made-up {name}",
        bus=bus,
        variants=variants,
        create=lambda variant, options, address: None,  # type: ignore[arg-type, return-value]
        replay=lambda vector: {},
        vectors=(),
        **rest,
    )


def _specs() -> dict[str, DriverSpec]:
    chip = _spec(
        "chip",
        BusKind.I2C,
        {"chip": Variant(addresses=(0x44, 0x45), channels=(T, H)), "chip2": Variant(addresses=(0x46,), channels=(T,))},
        options=ChipOptions,
    )
    return {
        "chip": chip,
        "chip2": chip,
        "nowhere": _spec("nowhere", BusKind.I2C, {"nowhere": Variant(channels=(T,))}),
        "meter": _spec(
            "meter",
            BusKind.SERIAL_REQUEST,
            {"meter": Variant()},
            options=MeterOptions,
            channels_of=_channels_of,
            check=_overlaps,
            needs_unit=True,
        ),
        "talker": _spec("talker", BusKind.SERIAL_STREAM, {"talker": Variant(channels=(T,))}, options=TalkerOptions),
        "unreadable": _spec(
            "unreadable", BusKind.I2C, {"unreadable": Variant(channels=(T,))}, options=UnreadableOptions
        ),
    }


class Drivers:
    """A catalogue: the drivers above, and one that cannot be imported."""

    def __init__(self) -> None:
        self._specs = _specs()

    def names(self) -> tuple[str, ...]:
        return (*self._specs, "broken")

    def spec(self, name: str) -> DriverSpec:
        if name == "broken":
            raise OperatorError("driver broken (from some-package 1.0) cannot be imported: No module named 'x'")
        return self._specs[name]


class Loading:
    """Loads text with the made-up drivers."""

    catalogue = Drivers()

    def __call__(self, text: str, *, needs_broker: bool = False, **environ: str) -> Loaded:
        return load_text(text, catalogue=self.catalogue, environ=environ, needs_broker=needs_broker)


@pytest.fixture(scope="session")
def drivers() -> Drivers:
    return Drivers()


@pytest.fixture(scope="session")
def loading() -> Loading:
    return Loading()
