"""When a recover command is due. Time is passed in."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.config.sections.recovery import RecoverSection
from sensor_gateway.config.values.units import Argument
from sensor_gateway.model.units import Seconds
from sensor_gateway.service.health.silence import Hearing
from sensor_gateway.service.recovery.judge import LONGEST_WAIT_S, RecoveryJudge

SILENT, HEARD, UNCLEAR = Hearing.SILENT, Hearing.HEARD, Hearing.UNCLEAR


def rule(*, after: float = 60, at_most_every: float = 600) -> RecoverSection:
    return RecoverSection(command=(Argument("x"),), after=Seconds(after), at_most_every=Seconds(at_most_every))


def runs(judge: RecoveryJudge, heard: dict[int, Hearing], until_s: int, step_s: int = 5) -> list[int]:
    """When the command is run, if it is whenever it is due. ``heard`` is what is heard from a moment on."""
    found, hearing = [], UNCLEAR
    for now_s in range(0, until_s, step_s):
        hearing = heard.get(now_s, hearing)
        judge.hear(hearing, now_s)
        if judge.is_due(now_s):
            judge.began(now_s)
            found.append(now_s)
    return found


def test_it_is_due_after_the_silence_that_is_asked_for_and_not_before() -> None:
    assert runs(RecoveryJudge(rule()), {0: SILENT}, 100) == [60]


def test_a_word_from_the_bus_begins_the_silence_anew() -> None:
    assert runs(RecoveryJudge(rule()), {0: SILENT, 55: HEARD, 60: SILENT}, 200) == [120]
    assert runs(RecoveryJudge(rule()), {0: SILENT, 55: UNCLEAR, 60: SILENT}, 200) == [120]


def test_runs_that_do_not_help_become_rarer_up_to_one_a_day() -> None:
    found = runs(RecoveryJudge(rule()), {0: SILENT}, 5 * 86400, 20)
    waits = [after - before for before, after in pairwise(found)]
    assert waits[:5] == [600, 1200, 2400, 4800, 9600]
    assert waits[-1] == LONGEST_WAIT_S == 86400


def test_after_a_good_reading_it_begins_with_the_first_wait_and_still_never_sooner() -> None:
    heard = {0: SILENT, 4000: HEARD, 4005: SILENT, 4200: HEARD, 4205: SILENT}
    found = runs(RecoveryJudge(rule()), heard, 6000)
    assert found == [60, 660, 1860, 4065, 4665, 5265]


def test_a_state_that_is_unclear_is_no_good_reading() -> None:
    heard = {0: SILENT, 1000: UNCLEAR, 1005: SILENT}
    assert runs(RecoveryJudge(rule()), heard, 2000) == [60, 660, 1860]


def test_another_rule_does_not_run_it_sooner_after_the_last_time() -> None:
    assert runs(RecoveryJudge(rule(), began_s=-100.0), {0: SILENT}, 600) == [500]


HEARINGS = st.lists(st.tuples(st.integers(0, 5000), st.sampled_from(Hearing), st.booleans()), max_size=200)


@given(HEARINGS, st.integers(1, 5000), st.integers(10, 5000))
def test_never_while_a_sensor_answers_never_sooner_than_allowed_and_never_before_the_silence_was_long_enough(
    story: list[tuple[int, Hearing, bool]], after: int, at_most_every: int
) -> None:
    judge, now_s = RecoveryJudge(rule(after=after, at_most_every=at_most_every)), 0
    ran: list[int] = []
    last_other_s = 0
    hearing_before = UNCLEAR
    for passed_s, hearing, is_run in story:
        if hearing_before is not SILENT:
            last_other_s = now_s
        now_s += passed_s
        judge.hear(hearing, now_s)
        hearing_before = hearing
        is_due = judge.is_due(now_s)
        if hearing is not SILENT:
            assert not is_due
        if is_due:
            assert now_s - last_other_s >= after
            assert not ran or now_s - ran[-1] >= at_most_every
        if is_due and is_run:
            judge.began(now_s)
            ran.append(now_s)


@given(st.floats(1, 1000), st.floats(10, 5000), st.integers(1, 30))
def test_a_silence_that_lasts_is_tried_again_for_ever(after: float, at_most_every: float, tries: int) -> None:
    judge = RecoveryJudge(rule(after=after, at_most_every=at_most_every))
    judge.hear(SILENT, 0.0)
    now_s = after
    for _ in range(tries):
        judge.hear(SILENT, now_s)
        assert judge.is_due(now_s)
        judge.began(now_s)
        assert not judge.is_due(now_s + 0.99 * at_most_every)
        now_s += LONGEST_WAIT_S + 1
