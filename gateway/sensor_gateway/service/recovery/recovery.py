"""One bus that has a recover command: lent while the command runs, and what came of the runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sensor_gateway.config.sections.recovery import RecoverSection
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.log import Log
from sensor_gateway.model.vitals.gateway_health import RecoveryCondition, RecoveryOutcome
from sensor_gateway.model.writing.sentence import shortened
from sensor_gateway.sensing.polling.loan import Loan
from sensor_gateway.service.health.conditions import LONGEST_REASON, time_of
from sensor_gateway.service.health.silence import Hearing
from sensor_gateway.service.recovery.judge import RecoveryJudge
from sensor_gateway.service.recovery.program import GRACE_S, Ended, Program, missing

LOOK_EVERY_S: Final = 5.0
"""While nothing runs; and while something runs that not even the kernel can end."""

BUSY_LOOK_EVERY_S: Final = 0.1
LENT_WITHIN_S: Final = 10.0
"""A bus that is not given up by then hangs in an exchange, which the command may be what ends."""


_CANNOT_BE_ENDED: Final = "recover.command cannot be ended: a call into the system does not return"


class Recovery:
    """Of the main thread. ``condition`` is replaced as a whole: any thread may show it."""

    def __init__(
        self,
        bus: str,
        rule: RecoverSection,
        facts: Mapping[str, str],
        *,
        clock: Clock,
        log: Log,
        before: Recovery | None = None,
    ) -> None:
        """``facts`` are told to the command; ``before`` is what the same bus had until now, and is dismissed."""
        self.bus = bus
        self.rule = rule
        self.facts = facts
        self.condition: RecoveryCondition = (
            RecoveryCondition() if before is None else replace(before.condition, reason="")
        )
        self._clock = clock
        self._log = log
        self._judge = RecoveryJudge(rule, began_s=float("-inf") if before is None else before.began_s)
        self._program: Program | None = None
        self._loan: Loan | None = None
        self._asked_s: float | None = None

    @property
    def began_s(self) -> float:
        """When the command ran last, by the monotonic clock."""
        return self._judge.began_s

    def turn(self, hearing: Hearing, loan: Loan | None) -> float:
        """Look once; seconds until the next look is wanted. ``loan`` is None where the bus is not served, or hangs."""
        now_s = self._clock.monotonic()
        self._judge.hear(hearing, now_s)
        if hearing is Hearing.HEARD and self.condition.reason:
            self.condition = replace(self.condition, reason="")
        if self._program is not None:
            if not self._is_left_behind(now_s):
                self._borrow(loan)  # again, should its thread have been begun anew
            return self._look(self._program, now_s)
        if not self._judge.is_due(now_s):
            self._give_back()
            return LOOK_EVERY_S
        self._borrow(loan)
        if self._asked_s is None:
            self._asked_s = now_s
        if loan is not None and not loan.is_lent and now_s < self._asked_s + LENT_WITHIN_S:
            return BUSY_LOOK_EVERY_S
        return self._start(now_s)

    def stop(self) -> None:
        """Ask the command that runs to end."""
        if self._program is not None:
            self._program.stop(self._clock.monotonic())

    def dismiss(self) -> Program | None:
        """No more of it: the command that runs is killed, and given to whoever looks until it is gone."""
        self._give_back()
        program, self._program = self._program, None
        if program is not None:
            program.kill()
            self._fail(RecoveryOutcome.LATE, "")
        return program

    def _start(self, now_s: float) -> float:
        self._judge.began(now_s)
        condition, began = self.condition, time_of(self._clock.stamp())
        self.condition = replace(condition, runs=condition.runs + 1, last=began, outcome=RecoveryOutcome.RUNNING)
        command = self.rule.command
        try:
            self._program = Program(command, self.facts, until_s=now_s + self.rule.within)
        except OSError as error:
            reason = missing(command[0]) or f"{command[0]} cannot be started: {error.strerror}"
            self._log.error("bus_recovery_not_started", bus=self.bus, reason=reason)
            self._fail(RecoveryOutcome.NOT_STARTED, f"recover.command: {reason}")
            self._give_back()
            return LOOK_EVERY_S
        self._log.info("bus_recovery_started", bus=self.bus, command=list(command))
        return BUSY_LOOK_EVERY_S

    def _look(self, program: Program, now_s: float) -> float:
        ended = program.look(now_s)
        if ended is None and not self._is_left_behind(now_s):
            return BUSY_LOOK_EVERY_S
        if ended is None:
            self._give_back()
            self.condition = replace(self.condition, reason=_CANNOT_BE_ENDED)
            return LOOK_EVERY_S
        self._program = None
        self._give_back()
        facts = {"bus": self.bus, "exit_code": ended.exit_code, "output": ended.output}
        if ended.was_stopped:
            reason = f"recover.command did not end within {self.rule.within:g} s"
            self._log.warning("bus_recovery_late", **facts)
            self._fail(RecoveryOutcome.LATE, reason)
        elif ended.exit_code:
            self._log.warning("bus_recovery_failed", **facts)
            self._fail(RecoveryOutcome.FAILED, _failure(ended))
        else:
            self._log.info("bus_recovery_done", **facts)
            self.condition = replace(self.condition, outcome=RecoveryOutcome.DONE, reason="")
        return LOOK_EVERY_S

    def _is_left_behind(self, now_s: float) -> bool:
        """Whether it should have been killed long ago: then no bus is kept closed for it."""
        return now_s > self._judge.began_s + self.rule.within + 2 * GRACE_S

    def _fail(self, outcome: RecoveryOutcome, reason: str) -> None:
        condition = self.condition
        self.condition = replace(
            condition, failures=condition.failures + 1, outcome=outcome, reason=shortened(reason, LONGEST_REASON)
        )

    def _borrow(self, loan: Loan | None) -> None:
        self._loan = loan
        if loan is not None:
            loan.ask()

    def _give_back(self) -> None:
        """The bus is opened anew, whether it helped or not."""
        self._asked_s = None
        loan, self._loan = self._loan, None
        if loan is not None:
            loan.end()


def _failure(ended: Ended) -> str:
    how = f"by signal {-ended.exit_code}" if ended.exit_code < 0 else f"with exit code {ended.exit_code}"
    last = ended.output.rpartition("\n")[2]
    return f"recover.command ended {how}{f': {last}' if last else ''}"
