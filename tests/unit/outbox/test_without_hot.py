"""Starts that do not have the hot journal of the start before: what it holds comes through all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sensor_gateway.model.event import Gap
from sensor_gateway.outbox import recovery


def contents(items: list[Any]) -> list[float]:
    facts = [json.loads(item.body) for item in items if not isinstance(item, Gap)]
    return [fact["value"] for fact in facts if fact["type"] == "value"]


def without_hot(site: Any, news: int, *, delivers: bool) -> list[Any]:
    """A start and an end without the hot directory; gives what was delivered meanwhile."""
    site.has_hot = False
    box = site.open()
    box.append(site.news(news))
    site.offline(2)
    found = site.drain() if delivers else []
    site.offline(12)
    box.close(to_flash=False)
    site.kill()
    site.has_hot = True
    return found


@pytest.mark.parametrize("news", [0, 3])
@pytest.mark.parametrize("spilled", [0, 4])
@pytest.mark.parametrize("acknowledged", [0, 2])
@pytest.mark.parametrize("delivers", [False, True])
def test_a_start_without_the_hot_directory_loses_nothing_that_hot_holds(
    site: Any, spilled: int, acknowledged: int, news: int, *, delivers: bool
) -> None:
    box = site.open()
    if spilled:
        box.append(site.news(spilled))
        site.offline(15)
    box.append(site.news(5))
    found = box.read(None, max_events=1 + acknowledged, max_bytes=10**6)
    site.acknowledge(found)
    box.close(to_flash=False)
    site.kill()
    found += without_hot(site, news, delivers=delivers)
    site.open()
    found += site.drain()
    assert not [item for item in found if isinstance(item, Gap)]
    assert sorted(set(contents(found))) == [float(n + 1) for n in range(site.number)]
    positions = {item.position for item in found if contents([item])}
    assert len(positions) == site.number, "none has two positions, and no position two contents"
    assert site.box.pending == 0


def test_what_was_passed_over_is_stored_anew_once(site: Any) -> None:
    box = site.open()
    box.append(site.news(5))
    box.close(to_flash=False)
    site.kill()
    without_hot(site, 0, delivers=False)
    for _ in range(3):
        site.open()
        site.box.close(to_flash=False)
        site.kill()
    site.open()
    assert contents(site.drain()) == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_two_starts_without_the_hot_directory_lose_nothing_either(site: Any) -> None:
    box = site.open()
    box.append(site.news(5))
    box.close(to_flash=False)
    site.kill()
    found = without_hot(site, 2, delivers=True) + without_hot(site, 2, delivers=True)
    site.open()
    found += site.drain()
    assert sorted(contents(found)) == [float(n + 1) for n in range(9)]


def test_the_judge_sees_what_is_passed_over(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: a recovery that takes all below the end of cold for known."""
    monkeypatch.setattr(recovery, "passed_over", lambda *_: [])
    box = site.open()
    box.append(site.news(5))
    box.close(to_flash=False)
    site.kill()
    without_hot(site, 0, delivers=False)
    site.open()
    assert contents(site.drain()) == []
