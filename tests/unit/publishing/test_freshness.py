"""Late is what was stored long ago, not what was measured long ago."""

from __future__ import annotations

from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.publishing.stream.freshness import Freshness


def _at(seq: int) -> Position:
    return Position(epoch=Epoch(ordinal=1, random=1), seq=Seq(seq))


def test_events_are_late_once_they_waited_too_long() -> None:
    freshness = Freshness(boot="1b4e28ba", late_after_ms=5000)
    freshness.note(_at(10), _at(12), 1000)
    freshness.note(_at(13), _at(13), 4000)
    assert freshness.is_late(_at(10), 6000) is False
    assert freshness.is_late(_at(12), 6001) is True
    assert freshness.is_late(_at(13), 6001) is False
    assert freshness.is_late(_at(13), 9001) is True


def test_nothing_is_known_of_what_a_former_run_stored() -> None:
    freshness = Freshness(boot="1b4e28ba", late_after_ms=5000)
    assert freshness.is_late(_at(3), 0) is None
    freshness.note(_at(10), _at(10), 1000)
    assert freshness.is_late(_at(9), 1000) is None
