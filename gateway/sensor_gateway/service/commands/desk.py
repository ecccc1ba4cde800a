"""Where requests come in: judged, carried out, answered and written down. The publisher calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import Stamp
from sensor_gateway.publishing.incoming import Incoming, Reply
from sensor_gateway.service.commands.audit import Audit, CommandCounters
from sensor_gateway.service.commands.judge import CommandLimits, Judge, Refused, command_topics
from sensor_gateway.service.commands.outcome import Command, Outcome, answer
from sensor_gateway.service.commands.reloading import ReloadCommand
from sensor_gateway.service.commands.request import Request


class CommandDesk:
    """The listener of the command topics."""

    def __init__(self, limits: CommandLimits, commands: Mapping[str, Command], *, log: Log) -> None:
        """``commands`` holds at least what ``limits`` allow."""
        self.topics = tuple(command_topics(limits))
        self.offered = limits.allowed
        self._commands = {name: commands[name] for name in limits.allowed}
        self._judge = Judge(limits)
        self._audit = Audit(log)
        self._is_busy = False

    @property
    def counters(self) -> CommandCounters:
        """What was asked since the start, and what came of it."""
        return self._audit.counters

    @property
    def reloads(self) -> ReloadCommand | None:
        """Where the main thread finds that somebody wants the configuration to be read anew, if that is allowed."""
        command = self._commands.get("reload")
        return command if isinstance(command, ReloadCommand) else None

    def hear(self, incoming: Incoming, now_s: float, now: Stamp) -> Sequence[Reply]:
        """A request came in; the answer, if there is one already."""
        verdict = self._judge.judge(incoming, now_s, now)
        if isinstance(verdict, Refused):
            self._audit.refused(verdict, now_s)
            if verdict.answer_to is None:
                return ()
            facts = {"code": verdict.code.value, "reason": verdict.reason}
            return (answer(verdict.name, "refused", facts, verdict.answer_to),)
        self._audit.accepted(verdict)
        self._is_busy = True
        outcome = self._commands[verdict.name].begin(verdict, now_s)
        return () if outcome is None else (self._ended(verdict, outcome),)

    def tend(self, now_s: float, _now: Stamp) -> Sequence[Reply]:
        """The answers that have come by now. It costs nothing while nobody asks."""
        if not self._is_busy:
            return ()
        said = [
            self._ended(request, outcome)
            for command in self._commands.values()
            for request, outcome in command.tend(now_s)
        ]
        self._is_busy = self.wait_s(now_s) < inf
        return said

    def wait_s(self, now_s: float) -> float:
        """Seconds until a command wants to be looked after."""
        if not self._is_busy:
            return inf
        return min((command.wait_s(now_s) for command in self._commands.values()), default=inf)

    def _ended(self, request: Request, outcome: Outcome) -> Reply:
        self._audit.ended(request, outcome)
        return answer(request.name, "done" if outcome.is_done else "failed", outcome.facts, request.answer_to)
