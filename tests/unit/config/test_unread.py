"""A driver that cannot be used is a fault in its sensors' lines, and leaves a configuration that can be run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
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


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class MuteObjection(Mute, ValueError):
    pass


def loaded_with(drivers: Any, **changes: object) -> Loaded:
    """A sensor of a driver that was changed so, and one of another driver."""

    class Catalogue:
        def names(self) -> tuple[str, ...]:
            return ("meter", "chip")

        def spec(self, name: str) -> Any:
            spec = drivers.spec(name)
            return dataclasses.replace(spec, **changes) if name == "meter" else spec

    text = """
buses: {rs485: {type: serial, port: /dev/ttyUSB0}}
sensors:
  a: {driver: meter, bus: rs485, unit: 1, registers: {x: {register: 1}}}
  b: {driver: chip, bus: i2c1}
"""
    return load_text(text, catalogue=Catalogue(), environ={}, needs_broker=False)


def raising(error: BaseException) -> Callable[..., Any]:
    def failing(*_arguments: object) -> None:
        raise error

    return failing


ERRORS = (
    *(AttributeError("gone"), RuntimeError(), OSError(5, "no"), AssertionError(), Mute()),
    *(SystemExit(3), GeneratorExit(), StopIteration()),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("function", ["check", "check_variant", "channels_of"])
def test_a_driver_that_fails_on_its_options_costs_its_own_sensors(
    drivers: Any, function: str, error: BaseException
) -> None:
    """An error that is no objection to what is written is the driver's fault, not the file's."""
    loaded = loaded_with(drivers, **{function: raising(error)})
    (fault,) = loaded.faults
    assert (fault.line, fault.path) == (4, "sensors.a.driver")
    assert type(error).__name__ in fault.message
    assert loaded.startable is not None
    assert list(loaded.startable.configuration.sensors) == ["b"]


@pytest.mark.parametrize("place", ["options", "a register"])
@pytest.mark.parametrize("error", [SystemExit(3), Mute(), RuntimeError("no")], ids=lambda error: type(error).__name__)
def test_options_that_fail_when_they_are_made_cost_their_own_sensors(
    drivers: Any, place: str, error: BaseException
) -> None:
    def object_to(self: object) -> None:
        del self
        raise error

    body = {"__post_init__": object_to}
    register = dataclasses.make_dataclass(
        "Register", [("register", int)], frozen=True, kw_only=True, namespace=body if place == "a register" else {}
    )
    options = dataclasses.make_dataclass(
        "Options",
        [("registers", Mapping[str, register])],  # type: ignore[valid-type] # made here
        frozen=True,
        kw_only=True,
        namespace=body if place == "options" else {},
    )
    loaded = loaded_with(drivers, options=options, check=None)
    (fault,) = loaded.faults
    assert (fault.path, type(error).__name__ in fault.message) == ("sensors.a.driver", True)
    assert loaded.startable is not None


@pytest.mark.parametrize("function", ["check", "check_variant", "channels_of"])
def test_an_objection_whose_words_cannot_be_had_is_a_fault_of_what_is_written(drivers: Any, function: str) -> None:
    (fault,) = loaded_with(drivers, **{function: raising(MuteObjection())}).faults
    assert (fault.line, fault.path) == (4, "sensors.a")
    assert fault.message == "an error whose message cannot be read"


@pytest.mark.parametrize("objection", [7, None, b"no", ("no",)])
@pytest.mark.parametrize("function", ["check", "check_variant"])
def test_an_objection_that_is_no_text_is_the_drivers_fault(drivers: Any, function: str, objection: object) -> None:
    loaded = loaded_with(drivers, **{function: lambda *_: iter([objection])})
    (fault,) = loaded.faults
    assert fault.path == "sensors.a.driver"
    assert "no text" in fault.message
    assert loaded.startable is not None
    assert list(loaded.startable.configuration.sensors) == ["b"]


@pytest.mark.parametrize("function", ["check", "check_variant", "channels_of"])
def test_whoever_ends_the_program_while_a_driver_is_asked_ends_it(drivers: Any, function: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        loaded_with(drivers, **{function: raising(KeyboardInterrupt())})


def test_a_device_file_whose_driver_is_broken_costs_its_own_sensors(drivers: Any, tmp_path: Any) -> None:
    (tmp_path / "mine.yaml").write_text("title: Mine\nsources: [me]\ndriver: broken\n")
    text = "sensors:\n  a: {device: mine, bus: i2c1}\n  b: {driver: chip, bus: i2c1}\n"
    loaded = load_text(text, catalogue=drivers, environ={}, devices=(tmp_path,), needs_broker=False)
    assert loaded.startable is not None, loaded.faults
    assert [sensor.name for sensor in loaded.startable.unread] == ["a"]
    assert loaded.startable.unread[0].place == f"{tmp_path}/mine.yaml:3:9"
