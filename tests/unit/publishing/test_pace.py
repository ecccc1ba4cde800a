"""The drain is limited; live events never feel it; and it always ends."""

from __future__ import annotations

import pytest

from sensor_gateway.publishing.stream.pace import Pace


def _drain(pace: Pace, backlog: int, *, live_per_s: int = 0, limit_s: float = 10_000.0) -> float:
    """Seconds until nothing waits, with live events every second."""
    now_s = 0.0
    while backlog and now_s < limit_s:
        count = pace.allowance(backlog, now_s)
        pace.spend(count)
        backlog -= count
        now_s += 0.1
        if live_per_s and abs(now_s - round(now_s)) < 0.05:
            pace.note(live_per_s, now_s)
            backlog += live_per_s
    return now_s


def test_a_backlog_drains_at_the_limit() -> None:
    assert _drain(Pace(drain_rate=500, now_s=0.0), 50_000) == pytest.approx(100, rel=0.05)


def test_without_a_limit_everything_goes_at_once() -> None:
    pace = Pace(drain_rate=0, now_s=0.0)
    assert pace.allowance(100_000, 0.0) == 100_000
    assert pace.wait_s(5) == 0


@pytest.mark.parametrize("live", [400, 600, 5000])
def test_a_drain_ends_whatever_the_event_rate(live: int) -> None:
    assert _drain(Pace(drain_rate=500, now_s=0.0), 100_000, live_per_s=live) < 2500


def test_live_events_go_at_once() -> None:
    pace = Pace(drain_rate=500, now_s=0.0)
    for second in range(1, 20):
        pace.note(1000, float(second))
        sent = 0
        for turn in range(10):
            count = pace.allowance(1000 - sent, second + turn * 0.01)
            pace.spend(count)
            sent += count
            if sent == 1000:
                break
        assert sent == 1000, f"second {second}"


def test_while_behind_messages_are_few_and_large() -> None:
    pace = Pace(drain_rate=500, now_s=0.0)
    pace.spend(pace.allowance(10_000, 0.0))
    assert pace.allowance(10_000, 0.05) == 0
    assert 0.0 < pace.wait_s(10_000) <= 0.2
    assert pace.allowance(10_000, 0.25) >= 100
    assert pace.wait_s(1) == 0 or pace.wait_s(1) <= 0.01


def test_the_event_rate_is_forgotten_in_time() -> None:
    pace = Pace(drain_rate=500, now_s=0.0)
    for second in range(1, 5):
        pace.note(5000, float(second))
    assert pace.limit >= 10_000
    pace.note(0, 120.0)
    pace.allowance(1, 121.5)
    assert pace.limit == 500
