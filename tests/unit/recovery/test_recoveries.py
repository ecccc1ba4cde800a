"""Silent buses, real programs, and time that is passed in."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proving.logs import Journal

from sensor_gateway.config.sections.buses import BusSection, I2cBusSection, SimulatedBusSection, TcpBusSection
from sensor_gateway.config.sections.recovery import RecoverSection
from sensor_gateway.config.values.units import Argument
from sensor_gateway.model.units import Seconds
from sensor_gateway.model.vitals.gateway_health import RecoveryCondition, RecoveryOutcome
from sensor_gateway.sensing.polling.loan import Loan
from sensor_gateway.service.configuration.setup import BusSetup
from sensor_gateway.service.health.silence import Hearing
from sensor_gateway.service.recovery.recoveries import Recoveries
from sensor_gateway.service.recovery.recovery import BUSY_LOOK_EVERY_S, LENT_WITHIN_S, LOOK_EVERY_S
from sensor_gateway.simulation.virtual_clock import VirtualClock

DONE, FAILED, LATE = RecoveryOutcome.DONE, RecoveryOutcome.FAILED, RecoveryOutcome.LATE


class FakeBus:
    """Gives itself up as soon as it is asked, unless the test says that it does not."""

    def __init__(self, *, gives: bool = True) -> None:
        self.name = "wire"
        self.loan: Loan | None = Loan(self._asked)
        self.gives = gives
        self.asked = 0

    def _asked(self) -> None:
        if self.loan is not None:
            self.asked += self.loan.is_asked
            self.loan.is_lent = self.loan.is_asked and self.gives


class House:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.log = Journal()
        self.bus = FakeBus()
        self.hearing = Hearing.SILENT
        self.recoveries = Recoveries(
            hearings=lambda: {"wire": self.hearing}, buses=lambda: [self.bus], clock=self.clock, log=self.log
        )

    def have(self, *command: str, after_s: float = 60, within_s: float = 10) -> None:
        rule = RecoverSection(command=tuple(map(Argument, command)), after=Seconds(after_s), within=Seconds(within_s))
        self.recoveries.change({"wire": setup(rule)})

    def turn(self, passed_s: float = 0.0) -> float:
        self.clock.advance(passed_s)
        return self.recoveries.turn()

    def finish(self) -> None:
        """Look until the command has ended."""
        pause = threading.Event()
        for _ in range(4000):
            self.turn()
            if self.condition.outcome is not RecoveryOutcome.RUNNING:
                return
            pause.wait(0.005)
        raise AssertionError("it did not end")

    @property
    def condition(self) -> RecoveryCondition:
        return self.recoveries.conditions["wire"]


def setup(rule: RecoverSection | None) -> BusSetup:
    return BusSetup(section=SimulatedBusSection(kind="i2c", recover=rule), sensors=())


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.recoveries.close()


def is_lent(house: House) -> bool:
    return house.bus.loan is not None and house.bus.loan.is_lent


def test_a_bus_that_is_silent_is_lent_to_its_command_and_opened_anew_afterwards(house: House) -> None:
    house.have("sleep", "3600")
    assert house.turn() == LOOK_EVERY_S
    assert not is_lent(house)
    assert house.turn(60) == BUSY_LOOK_EVERY_S
    assert is_lent(house)
    house.turn(10)
    house.finish()
    assert not is_lent(house)
    assert house.bus.asked == 1


def test_what_came_of_it_is_counted_and_told(house: House) -> None:
    house.have("sh", "-c", "echo all is well")
    house.turn()
    house.turn(60)
    assert house.condition.outcome is RecoveryOutcome.RUNNING
    house.finish()
    condition = house.condition
    assert (condition.runs, condition.failures, condition.outcome, condition.reason) == (1, 0, DONE, "")
    assert condition.last is not None
    assert house.log.names() == ["bus_recovery_started", "bus_recovery_done"]
    assert house.log.lines[-1][1] == {"bus": "wire", "exit_code": 0, "output": "all is well"}


def test_a_failure_has_a_sentence_until_the_bus_is_heard(house: House) -> None:
    house.have("sh", "-c", "echo first; echo no such port >&2; exit 3")
    house.turn()
    house.turn(60)
    house.finish()
    condition = house.condition
    assert (condition.runs, condition.failures, condition.outcome) == (1, 1, FAILED)
    assert condition.reason == "recover.command ended with exit code 3: no such port"
    assert not is_lent(house), "a command that failed holds no bus back"
    house.hearing = Hearing.UNCLEAR
    house.turn(5)
    assert house.condition.reason
    house.hearing = Hearing.HEARD
    house.turn(5)
    assert (house.condition.reason, house.condition.failures) == ("", 1)


def test_one_that_hangs_is_ended_at_its_time(house: House) -> None:
    house.have("sleep", "3600", within_s=20)
    house.turn()
    house.turn(60)
    assert house.turn(19.9) == BUSY_LOOK_EVERY_S
    assert house.condition.outcome is RecoveryOutcome.RUNNING
    house.turn(0.1)
    house.finish()
    assert (house.condition.outcome, house.condition.failures) == (LATE, 1)
    assert house.condition.reason == "recover.command did not end within 20 s"


def test_one_that_not_even_the_kernel_ends_keeps_no_bus_closed_and_no_second_one_is_begun(
    house: House, tmp_path: Path
) -> None:
    """As one in a call into the system that does not return; here it is killed too late to be gone at that look."""
    ready = tmp_path / "ready"
    house.have("sh", "-c", f"trap : TERM; : > {ready}; while :; do sleep 1; done", within_s=20)
    house.turn()
    house.turn(60)
    pause = threading.Event()
    while not ready.exists():
        pause.wait(0.005)
    house.turn(20)
    assert is_lent(house)
    assert house.turn(3) == LOOK_EVERY_S
    assert not is_lent(house)
    assert house.condition.reason == "recover.command cannot be ended: a call into the system does not return"
    assert house.condition.runs == 1
    house.finish()
    assert (house.condition.outcome, house.condition.failures) == (LATE, 1)


@pytest.mark.parametrize("program", ["no-such-program-anywhere", "/no/such/program", "/etc/hostname", "/"])
def test_a_program_that_cannot_be_run_is_one_event_and_no_crash(house: House, program: str) -> None:
    house.have(program)
    house.turn()
    assert house.turn(60) == LOOK_EVERY_S
    assert house.condition.outcome is RecoveryOutcome.NOT_STARTED
    assert program in house.condition.reason
    assert not is_lent(house)
    house.turn(100)
    assert house.log.names() == ["bus_recovery_not_started"]


def test_a_bus_that_is_not_given_up_is_waited_for_and_then_no_more(house: House) -> None:
    house.bus.gives = False
    house.have("true")
    house.turn()
    assert house.turn(60) == BUSY_LOOK_EVERY_S
    house.turn(LENT_WITHIN_S - 0.1)
    assert house.condition.runs == 0
    house.turn(0.1)
    assert house.condition.runs == 1


def test_one_that_is_heard_while_it_is_waited_for_keeps_its_bus(house: House) -> None:
    house.bus.gives = False
    house.have("true")
    house.turn()
    house.turn(60)
    house.hearing = Hearing.HEARD
    house.turn(1)
    house.turn(100)
    assert house.condition.runs == 0
    assert house.bus.loan is not None
    assert not house.bus.loan.is_asked


def test_a_bus_whose_thread_hangs_has_its_command_run_without_being_lent(house: House) -> None:
    house.bus.loan = None
    house.have("true")
    house.turn()
    house.turn(60)
    house.finish()
    assert house.condition.outcome is DONE


def test_a_thread_that_is_begun_anew_meanwhile_lends_the_bus_too(house: House) -> None:
    house.have("sleep", "3600")
    house.turn()
    house.turn(60)
    house.bus = FakeBus()
    house.turn()
    assert is_lent(house)
    house.turn(10)
    house.finish()
    assert not is_lent(house)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        (I2cBusSection(path=Path("/dev/i2c-1")), "wire /dev/i2c-1"),
        (TcpBusSection(host="h", port=99), "wire h:99"),
        (SimulatedBusSection(kind="i2c"), "wire"),
    ],
)
def test_the_command_is_told_its_bus(house: House, section: BusSection, told: str) -> None:
    words = ("sh", "-c", "echo $SENSOR_GATEWAY_BUS $SENSOR_GATEWAY_DEVICE")
    rule = RecoverSection(command=tuple(map(Argument, words)))
    house.recoveries.change({"wire": BusSetup(section=replace(section, recover=rule), sensors=())})
    house.turn()
    house.turn(60)
    house.finish()
    assert house.log.lines[-1][1]["output"] == told


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def gone(house: House, before: set[str]) -> None:
    pause = threading.Event()
    for _ in range(2000):
        house.turn()
        if children() == before:
            return
        pause.wait(0.005)
    raise AssertionError("it is still there")


def test_a_reload_that_removes_it_kills_it_and_gives_the_bus_back(house: House) -> None:
    before = children()
    house.have("sleep", "3600")
    house.turn()
    house.turn(60)
    assert children() > before
    house.recoveries.change({"wire": setup(None)})
    assert not is_lent(house)
    assert house.recoveries.conditions == {}
    gone(house, before)


def test_a_reload_that_changes_it_kills_it_and_keeps_the_counts_and_the_time_of_the_last_run(house: House) -> None:
    before = children()
    house.have("sleep", "3600")
    house.turn()
    house.turn(60)
    house.have("true")
    assert (house.condition.runs, house.condition.outcome) == (1, LATE)
    gone(house, before)
    house.turn()
    house.turn(500)
    assert house.condition.runs == 1, "never more often than it is allowed"
    house.turn(100)
    assert house.condition.runs == 2


def test_a_reload_that_leaves_it_as_it_is_leaves_it_running(house: House) -> None:
    house.have("sleep", "3600")
    house.turn()
    house.turn(60)
    house.have("sleep", "3600")
    assert house.condition.outcome is RecoveryOutcome.RUNNING
    assert is_lent(house)


@pytest.mark.parametrize("ignores", [False, True])
def test_at_a_stop_it_is_asked_to_end_and_then_killed_and_reaped(house: House, *, ignores: bool) -> None:
    before = children()
    house.have("sh", "-c", f"{'trap : TERM; ' if ignores else ''}while :; do sleep 1; done")
    house.turn()
    house.turn(60)
    house.recoveries.stop()
    house.recoveries.close()
    assert children() == before


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(Hearing), st.sampled_from([0.1, 5, 60, 700]), st.booleans()), max_size=30))
def test_never_two_at_once_and_a_bus_that_is_served_is_never_lent_for_nothing(
    story: list[tuple[Hearing, float, bool]],
) -> None:
    house, before = House(), children()
    house.have("sleep", "3600", within_s=300)
    try:
        for hearing, passed_s, gives in story:
            house.hearing, house.bus.gives = hearing, gives
            house.turn(passed_s)
            assert len(children() - before) <= 1
            if not children() - before and house.bus.loan is not None and house.bus.loan.is_asked:
                assert hearing is Hearing.SILENT
    finally:
        house.recoveries.close()
    assert children() == before
