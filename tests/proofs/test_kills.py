"""kill -9 of the whole gateway, over and over on the same directories, under load: nothing is lost, changed or reused.

A subscriber with a persistent session writes down what the broker delivered. After each kill the directories are
read as well: each seq that was ever given out was delivered, or is there to be delivered.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from proving.kills.gateway import CHEATS
from proving.kills.lives import KINDS, Lives, plan

pytestmark = pytest.mark.system

FEW = 6


@pytest.mark.timeout(7200)
def test_kill_9_of_the_whole_gateway_loses_repeats_and_renames_nothing(
    tmp_path: Path, kills: int, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(seed)
    with Lives(tmp_path, chance) as lives:
        for kind in plan(kills, chance):
            lives.live(kind)
        found = lives.end()
    figures = lives.figures
    with capsys.disabled():
        sys.stdout.write(f"\nkill -9 of the whole gateway, seed {seed}: {figures}\n")
    assert found == [], f"seed {seed}"
    assert figures.kills >= kills
    assert figures.epochs == 1, "the hot journal proves the last seq after each kill"
    assert figures.events > 20 * kills
    assert figures.spills > 0
    assert set(figures.lives) == set(KINDS)


def test_a_broker_that_takes_no_subscription_is_not_left_running(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = Lives(tmp_path, random.Random(seed))
    monkeypatch.setattr(lives.broker._recorder, "start", lambda: pytest.fail("no subscription"))
    with pytest.raises(pytest.fail.Exception, match="no subscription"), lives:
        pass
    assert lives.broker._process is not None
    assert lives.broker._process.returncode is not None


@pytest.mark.parametrize(
    ("cheat", "kind", "complaint"),
    [
        ("acknowledges before the PUBACK", "stall", "acknowledged and never delivered"),
        ("keeps no hot journal", "stall", "cannot prove its last seq"),
        ("gives a seq twice", "plain", "names two events"),
    ],
)
def test_a_gateway_that_cheats_is_caught(tmp_path: Path, seed: int, cheat: str, kind: str, complaint: str) -> None:
    with Lives(tmp_path, random.Random(seed), change=CHEATS[cheat]) as lives:
        for _ in range(FEW):
            lives.live(kind)
            if lives.is_caught(complaint):
                return
    pytest.fail(f"seed {seed}: a gateway that {cheat} was not caught in {FEW} lives")
