from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.changes.rules import Absolute, ChangeRules
from sensor_gateway.cli.read import _facts, _judged, _lines, refusal_code
from sensor_gateway.model.channel import Source
from sensor_gateway.model.driver_spec import Identity
from sensor_gateway.model.errors import BusMissing, OperatorError
from sensor_gateway.model.operations import Read, Write, WriteRead
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.model.units import Seconds
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.once import OnceResult, Performed
from sensor_gateway.sensing.plan import ChannelPlan, SensorPlan

RULES = ChangeRules(deadband=Absolute(by=0), heartbeat_ms=None, at_most_ms=0, interval_ms=1000, filters=())


def plan(driver: str) -> SensorPlan:
    spec = DriverCatalogue().spec(driver)
    channels = tuple(
        ChannelPlan(source=Source(sensor="attic", channel=channel), rules=RULES, is_published=True)
        for channel in spec.variants[driver].channels
    )
    return SensorPlan(
        name="attic", spec=spec, variant=driver, options=None, address=8, interval_s=Seconds(1), channels=channels
    )


def performed(operation: Any, at_s: float, *, answer: bytes = b"", error: str = "") -> Performed:
    return Performed(operation=operation, answer=answer, error=error, at_s=at_s, elapsed_s=0.0001)


def result(values: Mapping[str, float] | None, *operations: Performed, note: str = "", failure: str = "") -> OnceResult:
    return OnceResult(
        values=values,
        raw=b"".join(operation.answer for operation in operations),
        code=FailureCode.NACK if failure else None,
        failure=failure,
        trace="",
        operations=operations,
        duration_s=0.0123,
        identity=Identity(part="SHT4x\x1b[2J", channels=("temperature",), note=note),
    )


def lines(driver: str, once: OnceResult) -> list[str]:
    return [line.strip() for line in _lines(plan(driver), _judged(plan(driver), once))]


def test_every_operation_is_shown_with_its_time_and_where_the_driver_waited() -> None:
    once = result(
        {"temperature": 21.7154955, "humidity": 39.0637},
        performed(Write(b"\xfd"), 0.0),
        performed(Read(6), 0.0104, answer=b"\x61\x98"),
    )
    assert lines("sht40", once) == [
        "attic: sht40 (SHT4x\\x1b[2J), 12.3 ms",
        "0.0 ms  write fd",
        "0.1 ms  wait 10.3 ms",
        "10.4 ms  read 6 -> 61 98",
        "temperature              21.715 °C",
        "humidity                 39.064 %",
    ]


def test_a_failure_is_shown_behind_the_operation_that_failed() -> None:
    once = result(None, performed(WriteRead(b"\xd0", 1), 0.0, error="nobody\n answers"), failure="nobody answers")
    assert lines("sht40", once)[1:] == [
        "0.0 ms  write d0, read 1 -> nobody\\n answers",
        "no value (nack): nobody answers",
    ]


def test_a_channel_that_the_part_does_not_have_is_told_and_so_is_the_note() -> None:
    shown = lines("bme280", result({"temperature": 20.0, "pressure": 1000.0}, note="this is a BMP280"))
    assert "note       this is a BMP280" in shown
    assert "humidity                 not measured by this part" in shown


def test_a_value_that_cannot_be_is_not_shown_as_if_it_were_good() -> None:
    outcome = _judged(plan("sht40"), result({"temperature": 300.0, "humidity": 40.0}))
    assert list(outcome.complaints) == ["temperature"]
    assert "beyond what the sensor can measure" in outcome.complaints["temperature"]


def test_a_power_on_value_is_not_shown_as_if_it_were_good() -> None:
    fresh = replace(plan("lm75"), spec=replace(plan("lm75").spec, power_on={"temperature": 85.0}))
    assert "before it has measured" in _judged(fresh, result({"temperature": 85.0})).complaints["temperature"]
    assert not _judged(fresh, result({"temperature": 84.5})).complaints


def test_facts_for_a_script_carry_values_units_and_raw_bytes() -> None:
    once = result({"temperature": 21.7154955}, performed(Read(2), 0.001, answer=b"\x61\x98"))
    facts = _facts(plan("sht40"), _judged(plan("sht40"), once))
    assert facts["values"] == {"temperature": 21.715}
    assert facts["units"] == {"temperature": "°C", "humidity": "%"}
    assert facts["raw"] == "61 98"
    assert facts["operations"] == [{"at_ms": 1.0, "what": "read 2 -> 61 98"}]


@pytest.mark.parametrize(
    ("number", "code"), [(errno.EACCES, 77), (errno.EPERM, 77), (errno.EAGAIN, 75), (errno.EBUSY, 75), (errno.EIO, 1)]
)
def test_a_bus_that_is_refused_has_the_exit_code_of_the_reason(number: int, code: int) -> None:
    error = OperatorError("the group i2c")
    error.__cause__ = OSError(number, "")
    assert refusal_code(error) == code
    assert refusal_code(BusMissing("no bus")) == 1


def test_an_unknown_sensor_is_wrong_usage_and_the_known_ones_are_named(
    cli: Callable[..., Any], file: Callable[..., Path]
) -> None:
    ended = cli("read", "attik", "--config", file())
    assert (ended.code, ended.out) == (64, "")
    assert ended.err == "no such sensor: attik; did you mean attic? (there are: attic)\n"
    assert cli("read", "--config", file()).err == "name a sensor, or --all (there are: attic)\n"


def test_a_bus_that_is_not_there_fails_and_says_how_it_is_enabled(
    cli: Callable[..., Any], file: Callable[..., Path]
) -> None:
    path = file("sensors: {a: {driver: lm75, bus: i2c77}, b: {driver: lm75, bus: i2c77, address: 0x49}}\n")
    ended = cli("read", "--all", "--config", path)
    assert ended.code == 1
    assert ended.out.count("no value (missing): there is no /dev/i2c-77: enable it with dtoverlay=i2c77") == 2
