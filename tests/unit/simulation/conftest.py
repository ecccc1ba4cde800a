from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from sensor_gateway.model.channel import Channel
from sensor_gateway.model.driver_spec import BusKind, DriverSpec, Variant, Vector
from sensor_gateway.model.quantity import QUANTITIES
from sensor_gateway.simulation.chips.chip import Course, Mounting


def _never(*_: object) -> object:
    raise AssertionError("a chip model never makes a driver")


def _spec(
    name: str, bus: BusKind, variants: Mapping[str, tuple[Channel, ...]], vectors: tuple[Vector, ...]
) -> DriverSpec:
    return DriverSpec(
        name=name,
        summary="",
        bus=bus,
        variants={variant: Variant(channels=channels) for variant, channels in variants.items()},
        create=_never,  # type: ignore[arg-type]
        replay=_never,  # type: ignore[arg-type]
        vectors=vectors,
    )


@pytest.fixture
def make_channel() -> Callable[..., Channel]:
    def make(name: str, low: float = -1000.0, high: float = 200_000.0) -> Channel:
        quantity = QUANTITIES.get(name, QUANTITIES["voltage"])
        return Channel(name=name, quantity=quantity, low=low, high=high, resolution=0.01)

    return make


@pytest.fixture
def make_spec() -> Callable[..., DriverSpec]:
    def make(
        name: str = "made_up",
        bus: BusKind = BusKind.I2C,
        variant: str | None = None,
        channels: tuple[Channel, ...] = (),
        vectors: tuple[Vector, ...] = (),
    ) -> DriverSpec:
        return _spec(name, bus, {variant or name: channels}, vectors)

    return make


@pytest.fixture
def mount(make_spec: Callable[..., DriverSpec]) -> Callable[..., Mounting]:
    """Builds a mounting from a variant and fixed values or courses by channel."""

    def make(
        variant: str,
        *,
        options: object = None,
        address: int = 0x40,
        interval_s: float = 1.0,
        powered_s: float = -10.0,
        spec: DriverSpec | None = None,
        **values: float | Course,
    ) -> Mounting:
        return Mounting(
            sensor="probe",
            spec=spec or make_spec(variant),
            variant=variant,
            options=options,
            address=address,
            interval_s=interval_s,
            powered_s=powered_s,
            courses={name: value if callable(value) else _fixed(value) for name, value in values.items()},
        )

    return make


def _fixed(value: float) -> Course:
    return lambda _at_s: value
