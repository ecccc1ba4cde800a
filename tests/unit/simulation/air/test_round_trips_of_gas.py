"""What goes into a BME680 or BME688 as physics comes out as a value, gas within a step of its wide ranges."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proving.examples import examples

from sensor_drivers.bme680 import SPEC, Options
from sensor_gateway.driver import DeviceBusy, Operation, OverRange, Read, Seconds, Wait, Write
from sensor_gateway.simulation.chips.air.bme680 import Bme680 as Model
from sensor_gateway.simulation.chips.chip import Mounting


def performed(steps: Generator[Operation, bytes, Any], chip: Model, now_s: float) -> tuple[Any, float]:
    answer = b""
    try:
        operation = next(steps)
        while True:
            answer = b""
            if isinstance(operation, Wait):
                now_s += operation.seconds
            elif isinstance(operation, Read):
                answer = chip.read(operation.count, now_s)
            else:
                chip.write(operation.data, now_s)  # type: ignore[union-attr]  # no I2C driver exchanges
                answer = b"" if isinstance(operation, Write) else chip.read(operation.count, now_s)  # type: ignore[union-attr]
            operation = steps.send(answer)
    except StopIteration as end:
        return end.value, now_s


def measured(variant: str, options: Options, true: Mapping[str, float]) -> Mapping[str, float]:
    """The second measurement: its heater is set for the temperature of the first."""
    courses = {name: lambda _at_s, value=value: value for name, value in true.items()}
    chip = Model(
        Mounting(
            sensor="probe",
            spec=SPEC,
            variant=variant,
            options=options,
            address=0x76,
            interval_s=1.0,
            courses=courses,  # type: ignore[arg-type]
        )
    )
    driver: Any = SPEC.create(variant, options, 0x76)
    now_s = 0.0
    for step in (driver.identify, driver.setup, driver.measure):
        _, now_s = performed(step(), chip, now_s)
    values: Mapping[str, float] = performed(driver.measure(), chip, now_s)[0]
    return values


@pytest.mark.parametrize("variant", SPEC.variants)
@settings(max_examples=examples(40), deadline=None)
@given(
    temperature=st.floats(-39, 84),
    pressure=st.floats(301, 1099),
    humidity=st.floats(1, 99),
    gas_resistance=st.floats(2_000, 10e6),
)
def test_a_driver_reads_what_the_air_is(variant: str, **true: float) -> None:
    found = measured(variant, Options(), true)
    assert found["temperature"] == pytest.approx(true["temperature"], abs=0.01)
    assert found["pressure"] == pytest.approx(true["pressure"], abs=0.003)
    assert found["humidity"] == pytest.approx(true["humidity"], abs=0.01)
    assert found["gas_resistance"] == pytest.approx(true["gas_resistance"], rel=0.002)


AIR = {"temperature": 21.5, "pressure": 998.7, "humidity": 44.4, "gas_resistance": 87_654.0}


@pytest.mark.parametrize("variant", SPEC.variants)
@pytest.mark.parametrize("oversampling", [1, 16])
@pytest.mark.parametrize("filtering", [0, 127])
@pytest.mark.parametrize(("heater", "heating_s"), [(200, 0.02), (400, 4.0)])
def test_air_is_read_however_it_is_sampled_and_heated(
    variant: str, oversampling: int, filtering: int, heater: int, heating_s: float
) -> None:
    options = Options(
        temperature_oversampling=oversampling,  # type: ignore[arg-type]
        pressure_oversampling=oversampling,  # type: ignore[arg-type]
        humidity_oversampling=oversampling,  # type: ignore[arg-type]
        filter=filtering,  # type: ignore[arg-type]
        heater_temperature=heater,
        heater_duration=Seconds(heating_s),
    )
    assert measured(variant, options, AIR) == pytest.approx(AIR, rel=0.002)


@pytest.mark.parametrize("variant", SPEC.variants)
def test_without_gas_the_rest_is_read(variant: str) -> None:
    found = measured(variant, Options(gas=False), AIR)
    assert found == pytest.approx({name: AIR[name] for name in found}, rel=1e-3)
    assert "gas_resistance" not in found


def test_a_heater_without_time_gives_no_value() -> None:
    with pytest.raises(DeviceBusy, match="heater_duration"):
        measured("bme680", Options(heater_duration=Seconds(0.005)), AIR)


@pytest.mark.parametrize("ohm", [10.0, 1e9])
def test_gas_beyond_the_converter_gives_no_value(ohm: float) -> None:
    with pytest.raises(OverRange):
        measured("bme688", Options(), {**AIR, "gas_resistance": ohm})
