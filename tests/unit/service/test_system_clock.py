from __future__ import annotations

from pathlib import Path

import pytest

from sensor_gateway.model.reading import ClockState
from sensor_gateway.service.system_clock import PLAUSIBLE_MS, SystemClock


def test_with_timesyncd_the_clock_is_synchronised_when_its_mark_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    clock = SystemClock(timesyncd=tmp_path)
    assert clock.stamp().clock is ClockState.UNSYNCED
    (tmp_path / "synchronized").touch()
    now[0] += 10
    assert clock.stamp().clock is ClockState.SYNCED


def test_without_timesyncd_a_plausible_year_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: (PLAUSIBLE_MS - 1) * 1_000_000)
    assert SystemClock(timesyncd=tmp_path / "none").stamp().clock is ClockState.UNSYNCED
    monkeypatch.setattr("time.time_ns", lambda: PLAUSIBLE_MS * 1_000_000)
    assert SystemClock(timesyncd=tmp_path / "none").stamp().clock is ClockState.SYNCED
