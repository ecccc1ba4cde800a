from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.channel import Channel
from sensor_gateway.model.quantity import QUANTITIES, other
from sensor_gateway.simulation.scenario_text import read_scenario
from sensor_gateway.simulation.world import World


def channel(quantity: str, low: float, high: float) -> Channel:
    known = QUANTITIES.get(quantity) or other("turns")
    return Channel(name=quantity, quantity=known, low=low, high=high, resolution=0.01)


TEMPERATURE = channel("temperature", -40, 85)


def test_the_same_name_and_seed_tell_the_same_story() -> None:
    first, second = (World(seed=3).course("attic", TEMPERATURE) for _ in range(2))
    assert [first(t / 7) for t in range(1000)] == [second(t / 7) for t in range(1000)]


def test_the_story_is_the_same_on_every_machine() -> None:
    course = World(seed=0).course("attic", TEMPERATURE)
    assert [round(course(at_s), 6) for at_s in (0.0, 10.0, 3600.0)] == [23.568565, 24.10474, 22.425925]


def test_other_names_and_seeds_tell_other_stories() -> None:
    stories = {
        World(seed=seed).course(sensor, TEMPERATURE)(5.0) for seed in range(3) for sensor in ("attic", "hall", "cellar")
    }
    assert len(stories) == 9


@given(at_s=st.floats(0, 1e7), sensor=st.text(max_size=5), seed=st.integers(0, 9))
@pytest.mark.parametrize(
    ("measured", "lowest", "highest"),
    [
        (channel("temperature", -40, 85), 15, 28),
        (channel("humidity", 0, 100), 35, 70),
        (channel("pressure", 300, 1100), 990, 1030),
        (channel("illuminance", 0, 54612), 20, 900),
        (channel("voltage", 0, 40), 10, 30),
        (channel("other", -100, 100), -50, 50),
        (channel("other", -3e38, 3e38), 0, 100),
        (channel("other", -3e38, -3e37), -3e38, -3e37),
        (channel("temperature", 20, 24), 21, 23),
    ],
)
def test_values_stay_in_a_usual_range(
    measured: Channel, lowest: float, highest: float, at_s: float, sensor: str, seed: int
) -> None:
    value = World(seed=seed).course(sensor, measured)(at_s)
    assert lowest <= value <= highest


def test_a_minute_brings_news_and_a_tenth_of_a_second_no_leap() -> None:
    course = World(seed=0).course("attic", TEMPERATURE)
    values = [course(t / 10) for t in range(600)]
    assert max(values) - min(values) > 0.5
    assert max(abs(after - before) for before, after in pairwise(values)) < 1.0


def test_a_scenario_takes_the_place_of_the_wave() -> None:
    scenario = read_scenario({"values": {"attic.temperature": [["0s", 20], ["10s", 25]]}})
    course = World(seed=0, scenario=scenario).course("attic", TEMPERATURE)
    assert course(4.0) == 22.0
    assert World(seed=0, scenario=scenario).course("hall", TEMPERATURE)(4.0) != 22.0
