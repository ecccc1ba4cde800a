"""What goes into an ADS1115 or ADS1015 as a voltage comes out as a value, within a step of the range that it chose."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proving.examples import examples

from sensor_drivers.ads1115 import SPEC, Options
from sensor_drivers.ads1115_ranges import RANGES
from sensor_gateway.driver import Operation, OverRange, Wait, Write
from sensor_gateway.simulation.chips.air.ads1115 import Ads1115 as Model
from sensor_gateway.simulation.chips.chip import Mounting

STEPS = {"ads1115": 2**15, "ads1015": 2**11}


class Rig:
    """A chip whose voltages can be turned."""

    def __init__(self, variant: str, options: Options) -> None:
        self.volts = dict.fromkeys(("a0", "a1", "a2", "a3"), 0.0)
        self._chip = Model(
            Mounting(
                sensor="probe",
                spec=SPEC,
                variant=variant,
                options=options,
                address=0x48,
                interval_s=1.0,
                courses={name: lambda _at_s, name=name: self.volts[name] for name in self.volts},  # type: ignore[misc]
            )
        )
        self._driver: Any = SPEC.create(variant, options, 0x48)
        self._now_s = 0.0
        self._performed(self._driver.identify())
        self._performed(self._driver.setup())

    def measured(self) -> Mapping[str, float]:
        values: Mapping[str, float] = self._performed(self._driver.measure())
        return values

    def _performed(self, steps: Generator[Operation, bytes, Any]) -> Any:
        answer = b""
        try:
            while True:
                operation = steps.send(answer) if answer else next(steps)
                answer = b""
                if isinstance(operation, Wait):
                    self._now_s += operation.seconds
                    continue
                self._chip.write(operation.data, self._now_s)  # type: ignore[union-attr]  # it writes always
                if not isinstance(operation, Write):
                    answer = self._chip.read(operation.count, self._now_s)  # type: ignore[union-attr]
        except StopIteration as end:
            return end.value


def error_of(volts: float, steps: int) -> float:
    """Half a step of the narrowest range that may have been kept for it."""
    full_scale = next(
        full_scale for full_scale in sorted(RANGES.values()) if volts <= 0.85 * full_scale or full_scale > 6
    )
    return 0.5001 * full_scale / steps


@pytest.mark.parametrize("variant", SPEC.variants)
@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.floats(-0.29, 6.139), min_size=1, max_size=6))
def test_automatic_ranges_follow_any_voltages(variant: str, volts: list[float]) -> None:
    rig = Rig(variant, Options(speed="fast"))
    for level in volts:
        rig.volts["a0"] = level
        assert rig.measured()["a0"] == pytest.approx(level, abs=error_of(abs(level), STEPS[variant]))


@pytest.mark.parametrize("variant", SPEC.variants)
@pytest.mark.parametrize("speed", ["slow", "normal", "fast"])
def test_four_inputs_do_not_disturb_each_other(variant: str, speed: str) -> None:
    rig = Rig(variant, Options(a1="auto", a2="4.096V", a3="6.144V", speed=speed))  # type: ignore[arg-type]
    rig.volts.update(a0=0.05, a1=5.0, a2=3.3, a3=0.0)
    for _ in range(3):
        assert rig.measured() == pytest.approx(rig.volts, abs=0.0016)


@pytest.mark.parametrize("variant", SPEC.variants)
@pytest.mark.parametrize(("chosen", "full_scale"), RANGES.items())
def test_a_fixed_range_ends_at_its_full_scale(variant: str, chosen: str, full_scale: float) -> None:
    rig = Rig(variant, Options(a0=chosen))  # type: ignore[arg-type]
    rig.volts["a0"] = 0.99 * full_scale
    assert rig.measured()["a0"] == pytest.approx(0.99 * full_scale, abs=0.5001 * full_scale / STEPS[variant])
    rig.volts["a0"] = 1.01 * full_scale
    with pytest.raises(OverRange):
        rig.measured()
