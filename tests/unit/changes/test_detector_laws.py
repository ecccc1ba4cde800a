"""Only what changed, and never silent: the promise as laws over any course of readings, failures and full queues.

An oracle that knows the rules only, in exact decimals and without any state but what was measured and said, works
out millisecond by millisecond what must be told. Broken detectors prove that each law can fail.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import TypeAlias

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from proving.examples import examples

from sensor_gateway.changes.detector import ChannelDetector
from sensor_gateway.changes.filters import FilterSpec, Median, MovingAverage, SkipInitial
from sensor_gateway.changes.rules import Absolute, ChangeRules, Relative
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Quality, Reason
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.model.reading import ClockState, Failure, FailureCode, Reading, Stamp

CHANNEL = Channel(name="temperature", quantity=TEMPERATURE, low=-1e9, high=1e9, resolution=0.01)
SOURCE = Source(sensor="attic", channel=CHANNEL)
TICK = Decimal("0.001")
THOUSANDTH = Decimal("0.00001")
INTERVAL_MS = 4

Sample: TypeAlias = "float | FailureCode"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What happens to a channel: samples by their millisecond, and the milliseconds in which the queue is full."""

    rules: ChangeRules
    samples: dict[int, Sample]
    full: frozenset[int]
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One event as the oracle and the detector tell it: when it was said, and what."""

    at_ms: int
    reason: str
    value: Decimal | None
    quality: str
    code: str | None
    measured_ms: int


@dataclass(slots=True)
class Run:
    """What a detector made of a course."""

    said: list[Said] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)


def stamp(at_ms: int) -> Stamp:
    return Stamp(uptime_ms=at_ms, wall_ms=at_ms, clock=ClockState.SYNCED)


# The noise keeps values, and means of two, off the middle between two ticks, where rounding may go either way.
FAR = [(tick + noise) / 1000 for tick in range(-300, 301) for noise in (0.1, 0.2, 0.3)]
NEAR = [(tick + noise) / 1000 for tick in range(13) for noise in (0.1, 0.3)]
CODES = [FailureCode.CRC, FailureCode.NACK]
SAMPLES: list[Sample] = [*FAR, *NEAR * (2 * len(FAR) // len(NEAR)), *CODES * (len(FAR) // len(CODES))]
"""In one list, so that a sample is one draw: half of them are near to each other, and a quarter are failures."""


@st.composite
def courses(draw: st.DrawFn, *, can_be_full: bool = False) -> Course:
    steps = draw(st.lists(st.tuples(st.sampled_from([1, 2, 4, 4, 4, 9, 40]), st.sampled_from(SAMPLES)), max_size=40))
    samples: dict[int, Sample] = {}
    at_ms = 1000
    for wait_ms, sample in steps:
        at_ms += wait_ms
        samples[at_ms] = sample
    end_ms = at_ms + draw(st.integers(1, 60))
    full: set[int] = set()
    for begin, length in draw(st.lists(st.tuples(st.integers(1000, end_ms), st.integers(1, 60)), max_size=4)):
        full.update(range(begin, begin + length) if can_be_full else ())
    return Course(rules=draw(rules()), samples=samples, full=frozenset(full), end_ms=end_ms)


def rules() -> st.SearchStrategy[ChangeRules]:
    absolute = st.sampled_from([0.0, 0.001, 0.0029, 0.005, 0.01, 0.1]).map(lambda by: Absolute(by=by))
    relative = st.sampled_from([0.002, 0.01]).map(lambda floor: Relative(fraction=0.02, at_least=floor))
    filters: Sequence[tuple[FilterSpec, ...]] = [
        (), (), (Median(n=3),), (SkipInitial(n=2), MovingAverage(n=2)), (Median(n=3), MovingAverage(n=2)),
    ]  # fmt: skip
    return st.builds(
        ChangeRules,
        deadband=absolute | relative,
        heartbeat_ms=st.sampled_from([None, 5, 17, 50]),
        at_most_ms=st.sampled_from([0, 0, 3, 10]),
        interval_ms=st.just(INTERVAL_MS),
        filters=st.sampled_from(filters),
    )


def played(make: type[ChannelDetector], course: Course) -> Run:
    """Tell a detector the course, and wake it whenever it asks for it, like a poller does."""
    detector = make(SOURCE, course.rules)
    run = Run()

    def take(event: ChangeEvent | None, at_ms: int) -> None:
        if event is None:
            return
        assert at_ms not in course.full, "an event was given where there was no room"
        value = None if event.value is None else Decimal(repr(event.value))
        code = None if event.code is None else event.code.value
        run.said.append(
            Said(
                at_ms=at_ms,
                reason=event.reason.value,
                value=value,
                quality=event.quality.value,
                code=code,
                measured_ms=event.stamp.uptime_ms,
            )
        )

    for at_ms in range(1000, course.end_ms + 1):
        has_room = at_ms not in course.full
        before = detector.refused
        sample = course.samples.get(at_ms)
        if isinstance(sample, FailureCode):
            failure = Failure(source=SOURCE, code=sample, detail="", stamp=stamp(at_ms))
            take(detector.fail(failure, has_room=has_room), at_ms)
        elif sample is not None:
            take(detector.offer(Reading(source=SOURCE, value=sample, stamp=stamp(at_ms)), has_room=has_room), at_ms)
        for _ in range(5):
            if detector.deadline_ms is None or detector.deadline_ms > at_ms:
                break
            event = detector.wake(stamp(at_ms), has_room=has_room)
            assert (event is not None) == has_room, "the deadline had come, so there was something to say"
            take(event, at_ms)
        else:
            assert not has_room, "a detector that always has more to say"
        if detector.refused > before:
            run.refused.append(at_ms)
    return run


# --- the oracle ---------------------------------------------------------------------------------------------------


def filtered(course: Course, at_ms: int) -> tuple[Decimal | None, bool]:
    """The published form of the newest value at a moment, and whether it is good, worked out from its whole past."""
    past: list[tuple[int, float]] = []
    for moment in sorted(moment for moment in course.samples if moment <= at_ms):
        sample = course.samples[moment]
        if isinstance(sample, FailureCode) or (past and moment - past[-1][0] > 3 * INTERVAL_MS):
            past = []
        if not isinstance(sample, FailureCode):
            past.append((moment, sample))
    values = [value for _, value in past]
    missing = 0
    for spec in course.rules.filters:
        match spec:
            case Median(n=n):
                values = [statistics.median(values[max(0, end - n) : end]) for end in range(1, len(values) + 1)]
                missing += n - 1
            case MovingAverage(n=n):
                values = [statistics.fmean(values[max(0, end - n) : end]) for end in range(1, len(values) + 1)]
                missing += n - 1
            case SkipInitial(n=n):
                values = values[n:]
                missing += n
            case _:
                raise NotImplementedError(spec)
    value = Decimal(repr(values[-1])).quantize(TICK) + 0 if values else None
    return value, len(past) > missing


def is_away(course: Course, value: Decimal, reference: Decimal) -> bool:
    """Whether a value left the deadband, by the letter of the contract (section 5)."""
    match course.rules.deadband:
        case Absolute(by=by):
            deadband = Decimal(repr(by))
        case Relative(fraction=fraction, at_least=at_least):
            deadband = max(Decimal(repr(fraction)) * abs(reference), Decimal(repr(at_least)))
    distance = abs(value - reference).quantize(THOUSANDTH)
    return distance > 0 and distance >= deadband.quantize(THOUSANDTH)


def is_news(course: Course, now: Known | Said, last: Said) -> bool:
    """Whether one value tells something new after another."""
    return now.quality != last.quality or is_away(course, _not_none(now.value), _not_none(last.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the channel at one moment: its newest value or failure."""

    value: Decimal | None
    quality: str
    code: str | None
    measured_ms: int


def known(course: Course) -> dict[int, Known]:
    """What is known from each sample on; a sample that the filters swallowed changes nothing."""
    found = {}
    for at_ms, sample in sorted(course.samples.items()):
        if isinstance(sample, FailureCode):
            found[at_ms] = Known(value=None, quality="bad", code=sample.value, measured_ms=at_ms)
            continue
        value, is_good = filtered(course, at_ms)
        if value is not None:
            quality = "good" if is_good else "uncertain"
            found[at_ms] = Known(value=value, quality=quality, code=None, measured_ms=at_ms)
    return found


def due(course: Course, now: Known, last: Said | None, at_ms: int) -> str | None:
    """Why something must be said now, given what was said last."""
    if last is None or last.quality == "bad" or now.quality == "bad":
        if last is None:
            return "fault" if now.quality == "bad" else "first"
        if last.quality != now.quality:
            return "fault" if now.quality == "bad" else "recovery"
    elif at_ms - last.at_ms >= course.rules.at_most_ms and is_news(course, now, last):
        return "change"
    heartbeat_ms = course.rules.heartbeat_ms
    return "heartbeat" if heartbeat_ms is not None and at_ms - last.at_ms >= heartbeat_ms else None


def foretold(course: Course) -> list[Said]:
    """Everything that must be said in a course where there is always room."""
    moments = known(course)
    said: list[Said] = []
    now: Known | None = None
    for at_ms in range(1000, course.end_ms + 1):
        now = moments.get(at_ms, now)
        reason = due(course, now, said[-1] if said else None, at_ms) if now else None
        if now and reason:
            said.append(
                Said(
                    at_ms=at_ms,
                    reason=reason,
                    value=now.value,
                    quality=now.quality,
                    code=now.code,
                    measured_ms=now.measured_ms,
                )
            )
    return said


def _not_none(value: Decimal | None) -> Decimal:
    assert value is not None
    return value


# --- the laws -----------------------------------------------------------------------------------------------------


def law_of_the_oracle(make: type[ChannelDetector], course: Course) -> None:
    """A reading becomes an event when it leaves the deadband, when the heartbeat is due or when health changes."""
    assert played(make, course).said == foretold(course)


def law_of_silence(make: type[ChannelDetector], course: Course) -> None:
    """Once anything was said, no silence is longer than the heartbeat."""
    heartbeat_ms = course.rules.heartbeat_ms
    said = played(make, course).said
    assert bool(said) == bool(known(course))
    if heartbeat_ms is None or not said:
        return
    moments = [event.at_ms for event in said] + [course.end_ms]
    assert all(later - earlier <= heartbeat_ms for earlier, later in pairwise(moments))


def law_of_the_newest(make: type[ChannelDetector], course: Course) -> None:
    """The newest event is within the deadband of the newest good reading, or the channel is marked as not good.

    Except within the minimum interval.
    """
    said = played(make, course).said
    moments = known(course)
    now: Known | None = None
    for at_ms in range(1000, course.end_ms + 1):
        now = moments.get(at_ms, now)
        if now is None:
            continue
        last = said_until(said, at_ms)
        assert last is not None
        if now.quality == "bad" or last.quality == "bad":
            assert now.quality == last.quality
        elif at_ms - last.at_ms >= course.rules.at_most_ms:
            assert not is_news(course, now, last)


def law_of_no_chatter(make: type[ChannelDetector], course: Course) -> None:
    """Each event has its reason: a change moved by the deadband or changed its quality, a fault began or ended."""
    said = played(make, course).said
    assert [event for event in said if event.reason == "first"] in ([], said[:1])
    for last, event in pairwise(said):
        match event.reason:
            case "change":
                assert event.at_ms - last.at_ms >= course.rules.at_most_ms
                assert is_news(course, event, last)
            case "heartbeat":
                assert event.at_ms - last.at_ms == course.rules.heartbeat_ms
            case "fault":
                assert last.quality != "bad"
            case "recovery":
                assert last.quality == "bad"


def law_of_room(make: type[ChannelDetector], course: Course) -> None:
    """With a queue that is full at times nothing is told out of order, and with room all that is due comes at once."""
    run = played(make, course)
    said = run.said
    assert [event.measured_ms for event in said] == sorted(event.measured_ms for event in said)
    assert set(run.refused) <= course.full
    moments = known(course)
    now: Known | None = None
    for at_ms in range(1000, course.end_ms + 1):
        now = moments.get(at_ms, now)
        if now is not None and at_ms not in course.full:
            assert due(course, now, said_until(said, at_ms), at_ms) is None, "there was room, and something to be said"
    law_of_turns(course, said)
    if not course.full:
        assert said == foretold(course)


def law_of_turns(course: Course, said: list[Said]) -> None:
    """Faults and recoveries take turns, and the newest of both arrive once there is room, however full it was."""
    for last, event in zip([None, *said], said, strict=False):
        was_bad = last is not None and last.quality == "bad"
        assert (event.reason == "fault") == (event.quality == "bad" and not was_bad)
        assert (event.reason == "recovery") == (event.quality != "bad" and was_bad)
        assert (event.reason == "first") == (last is None and event.quality != "bad")
    if course.end_ms in course.full:
        return
    moments = sorted(known(course).items())
    turns = [now for (_, last), (_, now) in zip([(0, None), *moments], moments, strict=False) if is_turn(last, now)]
    told = [event.measured_ms for event in said if event.reason in ("fault", "recovery")]
    assert told[-2:] == [turn.measured_ms for turn in turns][-2:]


def is_turn(last: Known | None, now: Known) -> bool:
    return (now.quality == "bad") != (last is not None and last.quality == "bad")


def said_until(said: list[Said], at_ms: int) -> Said | None:
    return next((event for event in reversed(said) if event.at_ms <= at_ms), None)


Law: TypeAlias = Callable[[type[ChannelDetector], Course], None]
WITH_ROOM: Sequence[Law] = [law_of_the_oracle, law_of_silence, law_of_the_newest, law_of_no_chatter, law_of_room]


@given(course=courses())
@settings(deadline=None, max_examples=examples(150))
def test_the_promise_holds_while_there_is_room(course: Course) -> None:
    for law in WITH_ROOM:
        law(ChannelDetector, course)


@given(course=courses(can_be_full=True))
@settings(deadline=None, max_examples=examples(150))
def test_the_promise_holds_as_soon_as_there_is_room_again(course: Course) -> None:
    law_of_room(ChannelDetector, course)


@given(course=courses())
@settings(deadline=None, max_examples=examples(30))
def test_a_replay_gives_the_same_events(course: Course) -> None:
    assert played(ChannelDetector, course).said == played(ChannelDetector, course).said


# --- the proof that the laws can fail -----------------------------------------------------------------------------


class NeverBeats(ChannelDetector):
    """Forgets heartbeats."""

    __slots__ = ()

    def _schedule(self) -> None:
        heartbeat_ms, self._heartbeat_ms = self._heartbeat_ms, None
        super()._schedule()
        self._heartbeat_ms = heartbeat_ms


class Creeps(ChannelDetector):
    """Measures the deadband from the last reading, so that a slow drift is never news."""

    __slots__ = ()

    def offer(self, reading: Reading, *, has_room: bool) -> ChangeEvent | None:
        event = super().offer(reading, has_room=has_room)
        self._reference = self._ticks
        return event


class Chatters(ChannelDetector):
    """Has no deadband."""

    __slots__ = ()

    def _written(self, reason: Reason) -> ChangeEvent:
        event = super()._written(reason)
        self._span = 1
        return event


class ForgetsWhatIsHeld(ChannelDetector):
    """Drops what falls into the minimum interval."""

    __slots__ = ()

    def _schedule(self) -> None:
        self._is_news = self._is_news and (self._at_most_ms == 0 or self._said is None)
        super()._schedule()


class HidesFaults(ChannelDetector):
    """Keeps the last good value alive."""

    __slots__ = ()

    def fail(self, failure: Failure, *, has_room: bool) -> ChangeEvent | None:
        return None


class IsAlwaysGood(ChannelDetector):
    """Publishes what comes out of half a window as good."""

    __slots__ = ()

    def _differ(self, now_ms: int, *, has_room: bool) -> ChangeEvent | None:
        if self._quality is Quality.UNCERTAIN:
            self._quality = Quality.GOOD
        return super()._differ(now_ms, has_room=has_room)


class KeepsOldSamples(ChannelDetector):
    """Does not empty its filters after a fault."""

    __slots__ = ()

    def _fail(self, code: FailureCode, stamp: Stamp, *, has_room: bool) -> ChangeEvent | None:
        chain, self._chain = self._chain, None
        event = super()._fail(code, stamp, has_room=has_room)
        self._chain = chain
        return event


class BridgesHoles(ChannelDetector):
    """Does not empty its filters after a hole."""

    __slots__ = ()

    def __init__(self, source: Source, rules: ChangeRules) -> None:
        super().__init__(source, rules)
        self._hole_ms = 10**9


class LosesWhatIsOwed(ChannelDetector):
    """Counts as said what found no room."""

    __slots__ = ()

    def _differ(self, now_ms: int, *, has_room: bool) -> ChangeEvent | None:
        event = super()._differ(now_ms, has_room=has_room)
        if not has_room:
            self._owed.clear()
            self._schedule()
        return event


class MovesItsReferenceWhenRefused(ChannelDetector):
    """Takes a refused value for a published one."""

    __slots__ = ()

    def offer(self, reading: Reading, *, has_room: bool) -> ChangeEvent | None:
        event = super().offer(reading, has_room=has_room)
        if not has_room and self._is_news:
            self._reference, self._is_news = self._ticks, False
            self._schedule()
        return event


class TellsTheNewestFirst(ChannelDetector):
    """Gives a recovery before the fault that it ends."""

    __slots__ = ()

    def _differ(self, now_ms: int, *, has_room: bool) -> ChangeEvent | None:
        event = super()._differ(now_ms, has_room=has_room)
        self._owed.reverse()
        return event


@pytest.mark.parametrize(
    ("law", "broken"),
    [
        (law_of_silence, NeverBeats),
        (law_of_the_oracle, NeverBeats),
        (law_of_the_newest, Creeps),
        (law_of_the_oracle, Creeps),
        (law_of_no_chatter, Chatters),
        (law_of_the_oracle, Chatters),
        (law_of_the_newest, ForgetsWhatIsHeld),
        (law_of_the_newest, HidesFaults),
        (law_of_the_newest, IsAlwaysGood),
        (law_of_the_oracle, KeepsOldSamples),
        (law_of_the_oracle, BridgesHoles),
        (law_of_room, LosesWhatIsOwed),
        (law_of_room, MovesItsReferenceWhenRefused),
        (law_of_room, TellsTheNewestFirst),
    ],
)
def test_each_law_can_fail(law: Law, broken: type[ChannelDetector]) -> None:
    @given(course=courses(can_be_full=law is law_of_room))
    @settings(
        deadline=None,
        database=None,
        derandomize=True,
        max_examples=500,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    def obeyed(course: Course) -> None:
        law(broken, course)

    with pytest.raises(AssertionError):
        obeyed()
