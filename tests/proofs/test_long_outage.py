"""Seven days without a broker, in virtual time: what fits arrives whole and in order, memory and flash stay bounded.

What does not fit is dropped by the limit that is set, and announced exactly. The broker's return makes no flood.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from proving.outage import DAY_S, DRAIN_RATE, HOUR_S, PromptDisk, Site

from sensor_gateway.outbox.drops import Drops
from sensor_gateway.outbox.files.cold_reader import ColdReader

WEEK_S = 7 * DAY_S
KIB = 1024
MOST_GROWTH = 8_000_000
"""What may be in memory before it spills early is 4 MiB. The events of a week at 10 per second are 1.5 GB of JSON."""

MakeSite = Callable[..., Site]


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    sites: list[Site] = []

    def make(**settings: Any) -> Site:
        sites.append(Site(tmp_path / f"{len(sites)}", **settings))
        return sites[-1]

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def is_large(request: pytest.FixtureRequest) -> bool:
    """Whether this is the release: a busy gateway then, and a calm one else."""
    return int(request.config.getoption("states")) >= 100_000


def judge(site: Site, took_s: float, waiting: int) -> list[str]:
    """What is wrong after a drain."""
    found = [*site.subscriber.faults]
    if site.subscriber.next_seq != site.said + 2:
        found.append(f"the subscriber is at {site.subscriber.next_seq}, and {site.said + 1} were given out")
    if site.subscriber.lost.total() != site.box.counters.dropped:
        found.append(f"{site.box.counters.dropped} were dropped, and {site.subscriber.lost} announced")
    if site.growth.of_memory > MOST_GROWTH:
        found.append(f"memory grew by {site.growth.of_memory} bytes")
    small_files = 64 * KIB + 2 * site.settings.hot_cap + 2 * site.settings.hot_slack
    if site.growth.most_on_flash > site.settings.max_size + small_files:
        found.append(f"{site.growth.most_on_flash} bytes in files")
    if site.growth.most_files > site.settings.max_size // site.settings.segment_size + 8:
        found.append(f"{site.growth.most_files} files")
    if took_s < 0.7 * waiting / DRAIN_RATE:
        found.append(f"{waiting} events drained in {took_s} s")
    return found


def pass_outage(site: Site, seconds: float) -> tuple[float, int]:
    """Online for a moment, offline for long, and drained while live events go on; how long that took, for how many."""
    site.drain(most_s=60.0)
    site.stay_offline(seconds)
    waiting = site.box.pending
    took_s = site.drain(most_s=4 * waiting / DRAIN_RATE + 60.0)
    return took_s, waiting


@pytest.mark.timeout(1800)
def test_seven_days_are_delivered_whole_in_order_and_at_the_rate_that_is_set(
    make_site: MakeSite, capsys: pytest.CaptureFixture[str], *, is_large: bool
) -> None:
    rate, step_s = (10.0, 5.0) if is_large else (0.1, 120.0)
    site = make_site(rate=rate, step_s=step_s)
    took_s, waiting = pass_outage(site, WEEK_S)
    with capsys.disabled():
        sys.stdout.write(
            f"\nseven days at {rate:g} events/s: {site.said} said, {waiting} waited, {site.box.counters.dropped} "
            f"dropped; drained in {took_s / 60:.0f} min; memory +{site.growth.of_memory / 1e6:.1f} MB, files "
            f"{site.growth.most_on_flash / 1e6:.1f} MB in {site.growth.most_files}\n"
        )
    assert judge(site, took_s, waiting) == []
    assert site.box.pending == 0
    assert waiting >= rate * WEEK_S - site.box.counters.dropped
    assert set(site.subscriber.lost) <= {"limit"}
    if not is_large:
        assert site.box.counters.dropped == 0, "a week at one event in ten seconds fits"
    assert took_s < 1.3 * waiting / (DRAIN_RATE - rate)


def test_of_seven_days_that_do_not_fit_the_newest_are_kept_and_the_rest_is_announced(make_site: MakeSite) -> None:
    site = make_site(rate=0.05, step_s=120.0, segment_size=32 * KIB, max_size=256 * KIB)
    took_s, waiting = pass_outage(site, WEEK_S)
    assert judge(site, took_s, waiting) == []
    assert set(site.subscriber.lost) == {"limit"}
    assert site.subscriber.gaps == 1
    # Whole segments go: what is left fills at least all but one of them.
    assert site.growth.most_on_flash > 7 * 32 * KIB
    assert 0.5 * 0.05 * WEEK_S > waiting > 0.1 * 0.05 * WEEK_S


def test_what_becomes_older_than_max_age_goes_and_the_rest_is_kept(make_site: MakeSite) -> None:
    site = make_site(rate=0.05, step_s=120.0, segment_size=32 * KIB, max_age_s=2 * DAY_S)
    took_s, waiting = pass_outage(site, WEEK_S)
    assert judge(site, took_s, waiting) == []
    assert set(site.subscriber.lost) == {"age"}
    assert 0.05 * 2 * DAY_S <= waiting <= 0.05 * 3 * DAY_S


class HoardingDisk(PromptDisk):
    """Keeps what it was told, for ever."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    def write(self, descriptor: int, data: bytes) -> int:
        self.kept.append(data + bytes(40_000))
        return super().write(descriptor, data)


def test_memory_that_grows_with_the_outage_is_caught(make_site: MakeSite) -> None:
    site = make_site(rate=0.5, disk=HoardingDisk())
    took_s, waiting = pass_outage(site, DAY_S)
    assert any("memory grew" in fault for fault in judge(site, took_s, waiting))


def test_drops_that_are_not_told_are_caught(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Drops, "within", lambda self, epoch, first, last: [])
    monkeypatch.setattr("sensor_gateway.outbox.reader.Reader._announce", lambda *_arguments, **_more: True)
    site = make_site(rate=0.5, segment_size=16 * KIB, max_size=64 * KIB)
    took_s, waiting = pass_outage(site, 12 * HOUR_S)
    assert site.box.counters.dropped
    assert any("was expected" in fault for fault in judge(site, took_s, waiting))


def test_a_record_that_is_passed_over_is_caught(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ColdReader.record_after
    asked = iter(range(10**9))

    def record_after(self: ColdReader, epoch: Any, seq: int) -> Any:
        is_passed_over = next(asked) == 20
        record = found(self, epoch, seq)
        return found(self, epoch, record.record.last_seq) if is_passed_over and record else record

    monkeypatch.setattr(ColdReader, "record_after", record_after)
    site = make_site(rate=0.5)
    took_s, waiting = pass_outage(site, 6 * HOUR_S)
    assert judge(site, took_s, waiting)


def test_a_flood_is_caught(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensor_gateway.publishing.stream.pace.Pace.allowance", lambda self, waiting, now_s: waiting)
    site = make_site(rate=0.5)
    took_s, waiting = pass_outage(site, 6 * HOUR_S)
    assert judge(site, took_s, waiting)
