"""A fleet that loses its broker at one moment comes back, and quickly. The figures are those of benchmarks/herd.py.

Here with a twentieth of the clients and of the broker: in seconds that is the same herd.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "herd.py"

CLIENTS = 5_000
PER_S = 50
LEAST_S = CLIENTS / PER_S
"""No rule can bring them back sooner."""


@pytest.fixture(scope="module")
def herd() -> ModuleType:
    spec = importlib.util.spec_from_file_location("herd", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["herd"] = module  # where its dataclasses look for their annotations
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("is_mute", [False, True], ids=["refused", "unanswered"])
@pytest.mark.parametrize("outage_s", [2.0, 300.0])
@pytest.mark.parametrize("spread_s", [0.0, 60.0])
def test_a_fleet_is_back_within_ten_minutes(
    herd: ModuleType, spread_s: float, outage_s: float, *, is_mute: bool
) -> None:
    broker = herd.Broker(per_s=PER_S, outage_s=outage_s, is_mute=is_mute)
    outcome = herd.come_back(CLIENTS, herd.ours(spread_s), broker)
    assert outcome.back == CLIENTS
    assert LEAST_S <= outcome.all_back_s <= 600.0
    assert outcome.tries_per_client <= 13.0


def test_a_fleet_that_is_told_to_spread_knocks_about_twice_each_and_never_all_at_once(herd: ModuleType) -> None:
    outcome = herd.come_back(CLIENTS, herd.ours(60.0), herd.Broker(per_s=PER_S, outage_s=2.0))
    assert outcome.tries_per_client <= 2.0
    assert outcome.peak_per_s <= CLIENTS * 0.04


@pytest.mark.parametrize("outage_s", [2.0, 300.0])
def test_control_clients_that_wait_without_chance_never_come_back(herd: ModuleType, outage_s: float) -> None:
    outcome = herd.come_back(CLIENTS, herd.pahos(), herd.Broker(per_s=PER_S, outage_s=outage_s))
    assert outcome.all_back_s is None
    assert outcome.back < CLIENTS / 2
    assert outcome.peak_per_s > CLIENTS / 2


def test_control_a_spread_after_which_everybody_knocks_within_a_second_is_caught(herd: ModuleType) -> None:
    spread, hasty = herd.ours(60.0), herd.ours(0.0)
    outcome = herd.come_back(
        CLIENTS,
        lambda failures, chance: (hasty if failures else spread)(failures, chance),
        herd.Broker(per_s=PER_S, outage_s=2.0),
    )
    assert outcome.tries_per_client > 2.0
    assert outcome.peak_per_s > CLIENTS * 0.04


def test_the_control_waits_as_paho_does(herd: ModuleType) -> None:
    """Documented at Client.reconnect_delay_set: 1 s, doubled up to 120 s."""
    wait = herd.pahos()
    assert [wait(failures, None) for failures in range(9)] == [1, 2, 4, 8, 16, 32, 64, 120, 120]
