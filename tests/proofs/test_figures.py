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
MOST_OPENING_CPU_MS = 300.0
"""42 on a busy machine. Reading a million events would take 4,000."""


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
        repr([self.pending, self.alarms, self.counters, self.acknowledged_through] * 4)
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


def is_cheap_online(bench: ModuleType) -> bool:
    own_us, dumps_us = bench.online(1, is_encoding=False, rounds=ROUNDS)
    return bool(own_us < MOST_DUMPS_ONLINE * dumps_us)


def is_light_opening(bench: ModuleType, count: int) -> bool:
    figures = bench.after_an_outage(count, is_draining=False)
    assert figures["pending"] == count + 1
    return bool(figures["open_peak_kb"] <= MOST_OPENING_KB and figures["open_cpu_ms"] <= MOST_OPENING_CPU_MS)


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
    assert 1e6 / figures["read_per_s"] < MOST_DUMPS_READ * bench.yardsticks()["json.dumps of an event"]


def test_a_million_waiting_events_are_opened_without_reading_them(bench: ModuleType) -> None:
    assert is_light_opening(bench, 1_000_000)


def test_the_same_judge_catches_an_opening_that_reads_all_that_waits(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "careless.py"
    script.write_text(CARELESS_OPENING)
    monkeypatch.setattr(bench, "__file__", str(script))
    assert not is_light_opening(bench, 100_000)
