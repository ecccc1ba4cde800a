"""The waits before tries to connect: how they grow, and that a fleet is spread by them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.publishing.wire.retry_rule import RetryRule


class Longest(random.Random):
    """Chance that always gives the most there is."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Shortest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return a


@pytest.mark.parametrize(
    ("first_spread_s", "longest"),
    [
        (0.0, [0.0, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]),
        (0.5, [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]),
        (3.0, [3.0, 3.0, 6.0, 10.0, 10.0, 10.0, 10.0]),
        (60.0, [60.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0]),
    ],
)
def test_the_longest_wait_doubles_from_a_second_or_from_the_spread(first_spread_s: float, longest: list[float]) -> None:
    rule = RetryRule(first_spread_s=first_spread_s, longest_s=10.0)
    assert [rule.wait_s(failures, Longest()) for failures in range(7)] == longest


@given(failures=st.integers(1, 10_000), spread_s=st.floats(0, 86_400), longest_s=st.floats(1, 86_400))
def test_any_wait_may_be_nothing_and_none_is_longer_than_the_longest(
    failures: int, spread_s: float, longest_s: float
) -> None:
    rule = RetryRule(first_spread_s=spread_s, longest_s=longest_s)
    assert rule.wait_s(failures, Shortest()) == 0.0
    assert 0.0 < rule.wait_s(failures, Longest()) <= longest_s


def test_where_only_a_person_can_help_half_of_the_longest_wait_is_the_least() -> None:
    rule = RetryRule(first_spread_s=0.0, longest_s=300.0)
    chance = random.Random(1)
    waits = [rule.long_wait_s(chance) for _ in range(1000)]
    assert 150.0 <= min(waits) <= max(waits) <= 300.0
    assert len(set(waits)) > 990


@pytest.mark.parametrize(("outage_s", "middle_s"), [(10, 10), (60, 60), (240, 90), (1800, 90)])
def test_a_single_gateway_is_back_as_soon_as_the_page_on_brokers_says(outage_s: float, middle_s: float) -> None:
    """By the rule alone, where each try is refused at once: the page says so in words."""
    rule, chance, late_s = RetryRule(first_spread_s=0.0, longest_s=300.0), random.Random(0), list[float]()
    for _ in range(2000):
        now_s, failures = 0.0, 0
        while (now_s := now_s + rule.wait_s(failures, chance)) < outage_s:
            failures += 1
        late_s.append(now_s - outage_s)
    late_s.sort()
    assert late_s[len(late_s) // 2] < middle_s * 1.05
    assert late_s[-1] <= 300
    assert outage_s < 240 or late_s[len(late_s) * 99 // 100] < 4.55 * 60
