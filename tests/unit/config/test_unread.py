"""A driver that cannot be used is a fault in its sensors' lines, and leaves a configuration that can be run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from sensor_gateway.config.loading import Loaded, load_text
from sensor_gateway.model.health import UnreadSensor

Load = Callable[[str], Loaded]

MIXED = """
buses: {wire: {type: simulated, kind: i2c}}
sensors:
  good: {driver: chip, bus: wire, address: 0x48}
  bad: {driver: broken, label: Barn, interval: 2s, address: 0x48, rest: true, channels: {x: {deadband: 1}}}
"""


def test_the_others_can_be_run_and_the_file_is_still_faulty(loading: Load) -> None:
    loaded = loading(MIXED)
    assert loaded.configuration is None
    (fault,) = loaded.faults
    assert (fault.line, fault.column, fault.path) == (5, 17, "sensors.bad.driver")
    assert loaded.startable is not None
    assert list(loaded.startable.configuration.sensors) == ["good"]
    assert loaded.startable.unread == (
        UnreadSensor(
            name="bad",
            driver="broken",
            interval_s=2.0,  # type: ignore[arg-type]
            label="Barn",
            place="gateway.yaml:5:17",
            reason="driver broken (from some-package 1.0) cannot be imported: No module named 'x'",
        ),
    )


def test_without_a_fault_both_are_the_same(loading: Load) -> None:
    loaded = loading("sensors: {good: {driver: chip, bus: i2c1}}")
    assert loaded.startable is not None
    assert loaded.startable.configuration is loaded.configuration
    assert loaded.startable.unread == ()


@pytest.mark.parametrize(
    "wrong",
    [
        "{driver: brokn, bus: i2c1}",
        "{driver: broken, bus: i2c1, interval: 5}",
        "{driver: broken, bus: nowhere}",
        "{driver: broken, bus: i2c1, updateinterval: 5s}",
        "{driver: broken, bus: i2c1, channels: {x: {deadband: 1%}}}",
    ],
)
def test_a_fault_of_the_file_leaves_nothing_to_run(loading: Load, wrong: str) -> None:
    assert loading(f"sensors: {{a: {wrong}}}").startable is None


@pytest.mark.parametrize("error", [AttributeError("gone"), RuntimeError(), OSError(5, "no"), AssertionError()])
@pytest.mark.parametrize("function", ["check", "check_variant", "channels_of"])
def test_a_driver_that_fails_on_its_options_costs_its_own_sensors(
    drivers: Any, function: str, error: Exception
) -> None:
    """An error that is no objection to what is written is the driver's fault, not the file's."""

    def failing(*_arguments: object) -> tuple[str, ...]:
        raise error

    class Catalogue:
        def names(self) -> tuple[str, ...]:
            return ("meter", "chip")

        def spec(self, name: str) -> object:
            spec = drivers.spec(name)
            return dataclasses.replace(spec, **{function: failing}) if name == "meter" else spec

    text = """
buses: {rs485: {type: serial, port: /dev/ttyUSB0}}
sensors:
  a: {driver: meter, bus: rs485, unit: 1, registers: {x: {register: 1}}}
  b: {driver: chip, bus: i2c1}
"""
    loaded = load_text(text, catalogue=Catalogue(), environ={}, needs_broker=False)  # type: ignore[arg-type]
    (fault,) = loaded.faults
    assert (fault.line, fault.path) == (4, "sensors.a.driver")
    assert type(error).__name__ in fault.message
    assert loaded.startable is not None
    assert list(loaded.startable.configuration.sensors) == ["b"]


def test_a_device_file_whose_driver_is_broken_costs_its_own_sensors(drivers: Any, tmp_path: Any) -> None:
    (tmp_path / "mine.yaml").write_text("title: Mine\nsources: [me]\ndriver: broken\n")
    text = "sensors:\n  a: {device: mine, bus: i2c1}\n  b: {driver: chip, bus: i2c1}\n"
    loaded = load_text(text, catalogue=drivers, environ={}, devices=(tmp_path,), needs_broker=False)
    assert loaded.startable is not None, loaded.faults
    assert [sensor.name for sensor in loaded.startable.unread] == ["a"]
    assert loaded.startable.unread[0].place == f"{tmp_path}/mine.yaml:3:9"
