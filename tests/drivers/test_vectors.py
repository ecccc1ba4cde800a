"""Every driver that is installed, ours and others', holds its own vectors and the conformance suite."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules

import pytest

import sensor_drivers
from sensor_gateway.driver import DriverSpec
from sensor_gateway.testing import check_driver

ENTRY_POINTS = sorted(entry_points(group="sensor_gateway.drivers"), key=lambda point: point.name)
DRIVERS = {point.value: point for point in ENTRY_POINTS}


@pytest.mark.parametrize("point", DRIVERS.values(), ids=DRIVERS)
def test_an_installed_driver_conforms(point: EntryPoint) -> None:
    check_driver(point.load())


def test_every_driver_of_ours_is_offered_by_name() -> None:
    """One that is written, tested and not among the entry points is not there for users."""
    found = {
        f"sensor_drivers.{module.name}:{name}"
        for module in iter_modules(sensor_drivers.__path__)
        for name, value in vars(import_module(f"sensor_drivers.{module.name}")).items()
        if isinstance(value, DriverSpec)
    }
    assert found == {value for value in DRIVERS if value.startswith("sensor_drivers.")}


@pytest.mark.parametrize("point", DRIVERS.values(), ids=DRIVERS)
def test_each_vector_of_an_installed_driver_holds(point: EntryPoint) -> None:
    """The same as the suite, spelled out: bytes in, values out."""
    spec: DriverSpec = point.load()
    for vector in spec.vectors:
        assert spec.replay(vector) == pytest.approx(dict(vector.values), abs=vector.tolerance), vector.source


@pytest.mark.parametrize("point", ENTRY_POINTS, ids=lambda point: point.name)
def test_the_name_that_a_user_writes_is_a_variant(point: EntryPoint) -> None:
    assert point.name in point.load().variants


@pytest.mark.parametrize("point", DRIVERS.values(), ids=DRIVERS)
def test_every_variant_has_a_name_that_a_user_can_write(point: EntryPoint) -> None:
    names = {other.name for other in ENTRY_POINTS if other.value == point.value}
    assert set(point.load().variants) <= names
