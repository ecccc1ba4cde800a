"""What the outbox costs, judged by ratios to plain work on the same machine, with room for a loaded one.

Memory is judged as it is. The measuring itself, and the figures, are those of benchmarks/outbox.py.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sensor_gateway.outbox.outbox import Outbox

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "outbox.py"

ROUNDS = 60
MOST_DUMPS_ONLINE = 3.0
"""One event stored and acknowledged, without its JSON, in json.dumps of it: 1.5 to 1.75 on a busy machine."""
MOST_DUMPS_READ = 2.0
"""One event read from segments, checksum and inflating included: 0.8."""
MOST_BYTES = 40
"""One event in the segments, at 10 events/s, spilled every 5 s: 27."""
MOST_OPENING_KB = 5 * 1024
MOST_OPENING_SHARE = 0.07
"""CPU of opening in that of json.dumps of all that waits: 0.01, and reading them would be 0.8."""


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("outbox_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Careless(Outbox):
    """Looks at all it knows for each event."""

    def append(self, events: Any) -> Any:
        repr([self.pending, self.alarms, self.counters, self.acknowledged_through] * 24)
        return super().append(events)


CARELESS_OPENING = f"""
import sys

sys.path.insert(0, {str(BENCHMARK.parent)!r})
import outbox


class Careless(outbox.Outbox):
    def __init__(self, setting):
        super().__init__(setting)
        self.kept = self.read(None, max_events=10**9, max_bytes=10**12)


outbox.Outbox = Careless
outbox.main()
"""


def dumps_us(bench: ModuleType) -> float:
    """The yardstick: json.dumps of an event."""
    (cost_us,) = bench.least_us(bench.dumps(), rounds=ROUNDS)
    return float(cost_us)


def is_cheap_online(bench: ModuleType) -> bool:
    own_us, yardstick_us = bench.online(1, is_encoding=False, rounds=ROUNDS)
    return bool(own_us < MOST_DUMPS_ONLINE * yardstick_us)


@pytest.fixture
def waiting(request: pytest.FixtureRequest) -> int:
    """How many events wait: a million at the release."""
    return 1_000_000 if int(request.config.getoption("states")) >= 100_000 else 300_000


def heavy_in_opening(bench: ModuleType, count: int) -> set[str]:
    """What opening takes too much of, with so many events that wait."""
    figures = bench.after_an_outage(count, is_draining=False)
    assert figures["pending"] == count + 1
    dumps_ms = count * dumps_us(bench) / 1e3
    limits = {"open_peak_kb": MOST_OPENING_KB, "open_cpu_ms": MOST_OPENING_SHARE * dumps_ms}
    return {name for name, most in limits.items() if figures[name] > most}


def test_an_event_is_stored_and_acknowledged_at_the_price_of_a_few_json_dumps(bench: ModuleType) -> None:
    assert is_cheap_online(bench)


def test_the_same_judge_catches_an_outbox_that_does_more_for_each_event(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "Outbox", Careless)
    assert not is_cheap_online(bench)


def test_spilled_events_take_few_bytes_on_flash(bench: ModuleType) -> None:
    _, size = bench.offline(10)
    assert size < MOST_BYTES


def test_reading_what_waits_costs_less_than_writing_its_json_twice(bench: ModuleType) -> None:
    figures = bench.after_an_outage(20_000, is_draining=True)
    assert figures["read"] == figures["read_and_acknowledged"] == 20_001
    assert 1e6 / figures["read_per_s"] < MOST_DUMPS_READ * dumps_us(bench)


def test_all_that_waits_is_opened_without_reading_it(bench: ModuleType, waiting: int) -> None:
    assert heavy_in_opening(bench, waiting) == set()


def test_the_same_judge_catches_an_opening_that_reads_all_that_waits(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "careless.py"
    script.write_text(CARELESS_OPENING)
    monkeypatch.setattr(bench, "__file__", str(script))
    assert heavy_in_opening(bench, 50_000) == {"open_peak_kb", "open_cpu_ms"}
