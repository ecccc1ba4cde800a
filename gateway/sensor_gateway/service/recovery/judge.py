"""When to run a bus's recover command: after a silence, and ever more rarely while that does not help. Pure."""

from __future__ import annotations

from typing import Final

from sensor_gateway.config.sections.recovery import RecoverSection
from sensor_gateway.service.health.silence import Hearing

LONGEST_WAIT_S: Final = 86400.0
"""However often it was in vain, a day later it is tried again."""


class RecoveryJudge:
    """Of one bus. All times are of the monotonic clock, in seconds.

    Between two runs of the command there are ``at_most_every`` seconds, whatever was heard meanwhile.
    """

    __slots__ = ("_next_wait_s", "_rule", "_silent_since_s", "_wait_s", "began_s")

    def __init__(self, rule: RecoverSection, *, began_s: float = float("-inf")) -> None:
        """Nothing was heard yet. ``began_s`` is when the command ran last, by this rule or an earlier one."""
        self.began_s = began_s
        self._rule = rule
        self._silent_since_s: float | None = None
        self._wait_s = self._next_wait_s = float(rule.at_most_every)

    def hear(self, hearing: Hearing, now_s: float) -> None:
        """This is how the bus is now."""
        if hearing is not Hearing.SILENT:
            self._silent_since_s = None
        elif self._silent_since_s is None:
            self._silent_since_s = now_s
        if hearing is Hearing.HEARD:
            self._wait_s = self._next_wait_s = float(self._rule.at_most_every)

    def is_due(self, now_s: float) -> bool:
        """Whether to run the command now, if it does not run."""
        since_s = self._silent_since_s
        return since_s is not None and now_s - since_s >= self._rule.after and now_s - self.began_s >= self._wait_s

    def began(self, now_s: float) -> None:
        """The command was run, or could not be. Until something is heard, each wait is twice as long as the last."""
        self.began_s = now_s
        self._wait_s = self._next_wait_s
        self._next_wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
