"""Another gateway of our name on the same broker: seen by what it says on our status topic while we are online.

What the broker kept from before proves nothing: it may be of our own last life.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from math import inf
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import Stamp
from sensor_gateway.publishing.announcements import Announcement
from sensor_gateway.publishing.incoming import Incoming, Said
from sensor_gateway.publishing.messages import Program, Topics, status

_ANSWER_EVERY_S: Final = 10.0
_TELL_EVERY_S: Final = 3600.0
_MOST_KNOWN: Final = 8
_LONGEST: Final = 40
"""More of a word that somebody else wrote does not go into the log."""


class Rival:
    """Listens to our own status topic.

    A rival that comes online is told in the log, once an hour at most, and gets our status as an answer, so that it
    learns of us; that answer is not answered again. One that goes offline takes our status with it, which we then say
    anew. Both happen every ten seconds at most, whatever is sent.
    """

    def __init__(self, topics: Topics, program: Program, *, log: Log) -> None:
        """Know who we are."""
        self._topic = topics.status
        self._gateway = topics.gateway
        self._program = program
        self._log = log
        self._known: deque[str] = deque(maxlen=_MOST_KNOWN)
        self._due_s = inf
        self._next_answer_s = -inf
        self._next_telling_s = -inf

    @property
    def topics(self) -> tuple[str, ...]:
        """Our own status, and nothing else."""
        return (self._topic,)

    def hear(self, incoming: Incoming, now_s: float, now: Stamp) -> Sequence[Said]:
        """A message on the status topic; what is to be said for it comes from ``tend``."""
        word = None if incoming.is_retained else _status_in(incoming.payload)
        if word is None:
            return ()
        state, instance, version = word
        if instance == self._program.instance:
            return ()
        if state == "online":
            if instance in self._known:
                return ()
            self._known.append(instance)
            self._tell(instance, version, now_s)
        self._due_s = max(now_s, self._next_answer_s)
        return self.tend(now_s, now)

    def tend(self, now_s: float, now: Stamp) -> Sequence[Said]:
        """Our status again, where that is due."""
        if now_s < self._due_s:
            return ()
        self._due_s = inf
        self._next_answer_s = now_s + _ANSWER_EVERY_S
        return (Announcement(topic=self._topic, payload=status("online", self._program, now)),)

    def wait_s(self, now_s: float) -> float:
        """Seconds until it is due."""
        return max(self._due_s - now_s, 0.0)

    def _tell(self, instance: str, version: str, now_s: float) -> None:
        if now_s < self._next_telling_s:
            return
        self._next_telling_s = now_s + _TELL_EVERY_S
        self._log.error(
            "gateway_id_taken",
            why=f"another gateway on this broker calls itself {self._gateway} too, and both write the same topics: "
            "give each its own gateway.id; a copied state directory, or the host name, brings it along",
            instance=instance,
            version=version,
        )


def _status_in(payload: bytes) -> tuple[str, str, str] | None:
    """State, instance and version; None where it is no status of a gateway."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    state, instance, version = (said.get(key, "") for key in ("state", "instance", "version"))
    if state not in ("online", "offline") or not isinstance(instance, str) or not instance:
        return None
    return state, instance[:_LONGEST], version[:_LONGEST] if isinstance(version, str) else ""
