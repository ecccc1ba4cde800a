"""Each light driver on the model of its chip: what the lamp gives is what is read, whatever it gave before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proving.examples import examples

from sensor_gateway.model.errors import OverRange

Build = Callable[..., Any]

LONGEST_S = 2.5
"""One measurement, with all the ranges that it may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eye:
    """A chip: what it can see, and how well."""

    name: str
    variant: str
    dark: float
    sun: float
    share: float
    step: float


EYES = [
    # 96 counts where the second range begins
    Eye(name="bh1750", variant="bh1750", dark=0.2, sun=120_000, share=0.006, step=0.06),
    # 5000 counts where the second range begins
    Eye(name="ltr390", variant="ltr390", dark=0.01, sun=130_000, share=0.0002, step=0.0043),
    # 8 bits
    Eye(name="max44009", variant="max44009", dark=0.045, sun=130_000, share=0.004, step=0.023),
    # 12 bits
    Eye(name="opt3001", variant="opt3001", dark=0.01, sun=83_000, share=0.0003, step=0.0051),
    # 315 counts where the second range begins, and half a count of the infrared weighs more than one of all light
    Eye(name="tsl2591", variant="tsl2591", dark=0.01, sun=110_000, share=0.008, step=0.001),
    # a count is 0.02 lx, and its fellow in the infrared as much again
    Eye(name="tsl2561", variant="tsl2561", dark=0.1, sun=40_000, share=0.003, step=0.05),
    # 1 % where the maker's correction begins; 100 counts at 0.5376 lx
    Eye(name="veml7700", variant="veml7700", dark=0.01, sun=130_000, share=0.012, step=0.0042),
    Eye(name="veml7700", variant="veml6030", dark=0.01, sun=130_000, share=0.012, step=0.0042),
]


@pytest.mark.parametrize("eye", EYES, ids=lambda eye: eye.variant)
@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_light_is_read_from_moonlight_to_the_sun_whatever_shone_before(
    bench: Build, eye: Eye, data: st.DataObject
) -> None:
    exponents = st.floats(-2, 5.2)
    levels = data.draw(st.lists(exponents.map(lambda exponent: min(eye.sun, 10**exponent)), min_size=1, max_size=4))
    under = bench(eye.name, eye.variant)
    for lux in levels:
        under.shine(lux)
        found = under.measure()["illuminance"]
        assert found == pytest.approx(lux, rel=eye.share, abs=eye.step)
        assert sum(under.waits) < LONGEST_S
        assert under.measure()["illuminance"] == pytest.approx(found, rel=eye.share, abs=eye.step)


@pytest.mark.parametrize("eye", EYES, ids=lambda eye: eye.variant)
def test_the_darkest_light_is_not_nothing_and_darkness_is_a_value(bench: Build, eye: Eye) -> None:
    under = bench(eye.name, eye.variant, level=eye.dark)
    assert under.measure()["illuminance"] == pytest.approx(eye.dark, abs=eye.step)
    assert under.measure()["illuminance"] > 0
    under.shine(0.0)
    assert under.measure()["illuminance"] == 0


@pytest.mark.parametrize("eye", EYES, ids=lambda eye: eye.variant)
def test_a_blinding_light_is_over_range_and_no_value_and_the_chip_recovers(bench: Build, eye: Eye) -> None:
    under = bench(eye.name, eye.variant)
    under.shine(5e6)
    with pytest.raises(OverRange):
        under.measure()
    under.shine(100.0)
    assert under.measure()["illuminance"] == pytest.approx(100.0, rel=eye.share, abs=eye.step)
