from __future__ import annotations

from typing import Any

from sensor_gateway.changes.rules import Absolute, ChangeRules
from sensor_gateway.model.channel import Source
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.sensing.plan import ChannelPlan
from sensor_gateway.sensing.polling.news import News, WatchedChannel
from sensor_gateway.sensing.polling.verdicts import ChannelJudge


def test_deadlines_that_moved_on_are_forgotten_long_before_they_are_due(channels: Any) -> None:
    """Each change that was held left its heartbeat's old deadline behind: with rare heartbeats, 100,000 a day."""
    temperature, _ = channels
    rules = ChangeRules(
        deadband=Absolute(by=0.1), heartbeat_ms=86_400_000, at_most_ms=1000, interval_ms=500, filters=()
    )
    plan = ChannelPlan(source=Source(sensor="attic", channel=temperature), rules=rules, is_published=True)
    channel = WatchedChannel(plan, ChannelJudge(temperature, power_on=None, frozen_after=None))
    news = News(slack_s=0.0)
    news.room = 1_000_000
    for now_ms in range(0, 1_000_000, 500):
        stamp = Stamp(uptime_ms=now_ms, wall_ms=now_ms, clock=ClockState.SYNCED)
        news.offer(channel, float(now_ms // 500 % 7), stamp)
        news.ring(stamp)
    assert len(news.events) == 1000
    assert len(news._bells) < 100
    assert news.bell_ms() is not None
