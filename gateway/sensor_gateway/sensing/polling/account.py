"""What is told of one sensor: its channels' news, its health, and the few lines of log that its changes deserve.

A verdict on one channel fails that channel alone: the sensor is degraded and stays on its schedule. A failed poll fails
all channels that the part has. Channels that it lacks fail once, as ``missing``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sensor_gateway.model.driver_spec import Identity
from sensor_gateway.model.errors import MeasurementError
from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import FailureCode, Stamp
from sensor_gateway.sensing.driver_fault import DriverFault, facts_of
from sensor_gateway.sensing.plan import ChannelPlan, SensorPlan
from sensor_gateway.sensing.polling.health import SensorHealth
from sensor_gateway.sensing.polling.knowledge import ChannelKnowledge
from sensor_gateway.sensing.polling.news import News, WatchedChannel
from sensor_gateway.sensing.polling.notices import Notices
from sensor_gateway.sensing.polling.verdicts import ChannelJudge, Complaint

_NONE: Final[frozenset[str]] = frozenset()


class SensorAccount:
    """Keeps the account of one sensor. ``readings`` and ``failures`` count good values and failed polls.

    ``last_good`` is when a published channel had a good value last.
    ``trouble`` is why the last poll failed that did; whoever wants to know of the next one clears it.
    """

    __slots__ = (
        "_channels",
        "_complaints",
        "_identity",
        "_lacking",
        "_news",
        "_notices",
        "failures",
        "has_power_on",
        "health",
        "last_good",
        "name",
        "readings",
        "trouble",
    )

    def __init__(self, plan: SensorPlan, news: News, log: Log, stamp: Stamp) -> None:
        """Tell through ``news`` and ``log``, first that the sensor exists and nothing is known of it."""
        self.readings = 0
        self.failures = 0
        self.last_good: Stamp | None = None
        self.name = plan.name
        self.trouble: tuple[FailureCode, str] | None = None
        self.health = SensorHealth(plan.name)
        self.has_power_on = bool(plan.spec.power_on)
        self._news = news
        self._notices = Notices(plan, log)
        self._channels = {
            channel.source.channel.name: WatchedChannel(channel, _judge(channel, plan))
            for channel in plan.channels
            if channel.is_published
        }
        self._complaints: dict[str, Complaint] = {}
        self._identity: Identity | None = None
        self._lacking = _NONE
        news.tell(self.health.started(stamp))

    @property
    def refused(self) -> int:
        """News that found no room so far."""
        return sum(channel.detector.refused for channel in self._channels.values())

    def identified(self, identity: Identity, stamp: Stamp) -> None:
        """A part answered, and was set up."""
        for channel in self._channels.values():
            channel.judge.was_set_up()
        if identity == self._identity:
            return
        self._identity = identity
        present = frozenset(identity.channels)
        self._lacking = frozenset(self._channels) - present or _NONE
        note = identity.note
        if self._lacking and not note:
            note = f"this {identity.part} has no {', '.join(sorted(self._lacking))}"
        self.health.identified(note, lacks_channels=bool(self._lacking))
        for name in sorted(self._lacking):
            self._complaints.pop(name, None)
            self._news.fail(self._channels[name], FailureCode.MISSING, note, stamp)
        self._notices.identified(identity.part, note)

    def is_power_on(self, values: Mapping[str, float]) -> bool:
        """Whether any of the values is what the chip shows before its first conversion."""
        channels = self._channels
        return any(name in channels and channels[name].judge.is_power_on(value) for name, value in values.items())

    def measured(self, values: Mapping[str, float], stamp: Stamp) -> bool:
        """A measurement, which may hold some of the channels only. True when one has just frozen: set it up again."""
        channels = self._channels
        self.readings += len(values)
        has_frozen = False
        for name, value in values.items():
            channel = channels.get(name)
            if channel is None:
                continue
            judge = channel.judge
            if judge.is_plain and judge.low <= value <= judge.high:
                if self._complaints:
                    self._complaints.pop(name, None)
                self.last_good = stamp
                self._news.offer(channel, value, stamp)
            else:
                has_frozen |= self._judged(channel, name, value, stamp)
        if self._complaints or self._notices.is_first or not self.health.is_well:
            self._answered(values, stamp)
        return has_frozen

    def silent(self, name: str, detail: str, stamp: Stamp) -> None:
        """One channel of a sensor that talks otherwise has gone silent."""
        channel = self._channels.get(name)
        if channel is not None:
            self._complaints[name] = Complaint(code=FailureCode.TIMEOUT, detail=detail)
            self._news.fail(channel, FailureCode.TIMEOUT, detail, stamp)

    def failed(self, error: MeasurementError, stamp: Stamp) -> None:
        """A poll failed for good."""
        code, reason = facts_of(error)
        if isinstance(error, DriverFault):
            self._notices.broken(error)
        self.failures += 1
        self._fail_all(code, reason, stamp)
        self._news.tell(self.health.failed(code, reason, stamp))
        self._notices.failed(code, reason)
        if self.health.failures > 1:
            self._notices.lost(code, reason, stamp)

    def interrupted(self, code: FailureCode, reason: str, stamp: Stamp) -> None:
        """A poll failed by no fault of the sensor: its bus is gone, of which the log tells once for all."""
        self.failures += 1
        self._fail_all(code, reason, stamp)
        self._news.tell(self.health.interrupted(code, reason, stamp))

    def declined(self, error: MeasurementError, stamp: Stamp) -> None:
        """The sensor answered that it cannot tell the value (over range): not good, and not lost either."""
        code, reason = facts_of(error)
        self._fail_all(code, reason, stamp)
        self._notices.measured({}, failures=self.health.failures, is_good=False)
        self._news.tell(self.health.answered((code, reason), stamp))

    def close(self) -> None:
        """The sensor is read no more: nothing of it is due."""
        for channel in self._channels.values():
            self._news.forget(channel)

    def answer(self) -> tuple[ChannelKnowledge, ...]:
        """What is known of each published channel now, as an event would say it."""
        complaints = self._complaints
        return tuple(_known(name, channel, complaints.get(name)) for name, channel in self._channels.items())

    def _judged(self, channel: WatchedChannel, name: str, value: float, stamp: Stamp) -> bool:
        """The slow way: judge ``value``, and tell of it. True when the channel has just frozen."""
        complaint = channel.judge.judge(value)
        if complaint is None:
            self._complaints.pop(name, None)
            self.last_good = stamp
            self._news.offer(channel, value, stamp)
            return False
        self.readings -= 1
        before = self._complaints.get(name)
        self._complaints[name] = complaint
        self._news.fail(channel, complaint.code, complaint.detail, stamp)
        is_frozen = complaint.code is FailureCode.FROZEN
        return is_frozen and (before is None or before.code is not FailureCode.FROZEN)

    def _answered(self, values: Mapping[str, float], stamp: Stamp) -> None:
        complaint = next(iter(self._complaints.values()), None)
        self._notices.measured(values, failures=self.health.failures, is_good=complaint is None)
        self._news.tell(self.health.answered(None if complaint is None else (complaint.code, complaint.detail), stamp))

    def _fail_all(self, code: FailureCode, reason: str, stamp: Stamp) -> None:
        self.trouble = (code, reason)
        self._complaints.clear()
        for name, channel in self._channels.items():
            if name not in self._lacking:
                self._news.fail(channel, code, reason, stamp)


def _judge(channel: ChannelPlan, plan: SensorPlan) -> ChannelJudge:
    name = channel.source.channel.name
    return ChannelJudge(
        channel.source.channel, power_on=plan.spec.power_on.get(name), frozen_after=plan.spec.frozen_after.get(name)
    )


def _known(name: str, channel: WatchedChannel, complaint: Complaint | None) -> ChannelKnowledge:
    value, quality, code = channel.detector.newest
    unit = channel.source.channel.quantity.unit
    reason = complaint.detail if complaint is not None else ""
    return ChannelKnowledge(channel=name, value=value, unit=unit, quality=quality, code=code, reason=reason)
