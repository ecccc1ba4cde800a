"""Gives what came in to whom it is for, and sends their replies. Nothing that came in ends anything."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import Stamp
from sensor_gateway.publishing.announcements import Announcement
from sensor_gateway.publishing.incoming import Incoming, Listener, Reply, Said
from sensor_gateway.publishing.receiving.subscription import Subscription
from sensor_gateway.publishing.receiving.topic_filter import is_topic_name, matches
from sensor_gateway.publishing.session import Content, Session
from sensor_gateway.publishing.wire.greeting import Loss

_MOST_REPLIES: Final = 100
_MOST_TOLD: Final = 10
_FAILURE: Final = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivingCounters:
    """Messages since the start.

    ``dropped``: came in and found no room, or had a topic that is no text; ``unasked``: on topics of nobody here.
    ``replied``: replies that the broker took; ``unreplied``: replies that it refused, or that could not be sent.
    """

    received: int = 0
    dropped: int = 0
    unasked: int = 0
    replied: int = 0
    unreplied: int = 0


class Receiver:
    """Listeners and replies of one publisher, through all its connections."""

    def __init__(self, listeners: Sequence[Listener], *, announce: Callable[[Announcement], None], log: Log) -> None:
        """``announce`` takes what a listener wants announced."""
        self._listeners = tuple((listener, listener.topics) for listener in listeners)
        self.subscription = Subscription([topic for _, topics in self._listeners for topic in topics], log=log)
        self._announce = announce
        self._log = log
        self._replies: deque[Reply] = deque()
        self._failed: set[str] = set()
        self._received = self._dropped = self._unasked = self._replied = self._unreplied = 0

    @property
    def counters(self) -> ReceivingCounters:
        """What happened since the start."""
        return ReceivingCounters(
            received=self._received,
            dropped=self._dropped,
            unasked=self._unasked,
            replied=self._replied,
            unreplied=self._unreplied,
        )

    @property
    def is_idle(self) -> bool:
        """Whether no reply waits to be sent."""
        return not self._replies

    def hear(self, session: Session, now_s: float, now: Stamp) -> None:
        """Take what has come in on this connection."""
        for reasons in session.take_grants():
            self.subscription.answered(reasons)
        incoming, dropped = session.take_incoming()
        if dropped:
            if not self._dropped:
                self._log.warning("incoming_dropped", count=dropped, why="more came in at once than there is room for")
            self._dropped += dropped
        for message in incoming:
            self._received += 1
            heard = [listener for listener, topics in self._listeners if _is_for(topics, message)]
            self._unasked += not heard
            for listener in heard:
                self._say(self._guarded(partial(listener.hear, message, now_s, now)), now_s)

    def tend(self, now_s: float, now: Stamp) -> None:
        """One turn of each listener, connected or not."""
        for listener, _ in self._listeners:
            self._say(self._guarded(partial(listener.tend, now_s, now)), now_s)

    def wait_s(self, now_s: float) -> float:
        """Seconds until a listener wants to be tended."""
        return min((listener.wait_s(now_s) for listener, _ in self._listeners), default=inf)

    def send(self, session: Session, now_s: float) -> bool:
        """Subscribe and reply, as far as there is room. Whether other things may follow."""
        if not self.subscription.ask(session, now_s):
            return False
        while self._replies and session.window.has_room and session.loss is None:
            reply = self._replies.popleft()
            if reply.until_s < now_s or len(reply.payload) > session.room(reply.topic, reply.correlation):
                self._unreplied += 1
                continue
            self._unreplied += not session.publish(reply, reply.topic, reply.payload, retain=False)
        return True

    def answered(self, reason: int) -> None:
        """The broker's answer to a reply."""
        if reason < _FAILURE:
            self._replied += 1
        else:
            self._unreplied += 1

    def ended(self, unanswered: Sequence[Content], loss: Loss, now_s: float, *, is_evidence: bool) -> bool:
        """The connection is gone; whether it may be on account of ours. A reply that went out is not sent again."""
        self._unreplied += sum(isinstance(content, Reply) for content in unanswered)
        is_ours = self.subscription.ended(loss, now_s, is_evidence=is_evidence)
        return is_ours or (bool(unanswered) and isinstance(unanswered[0], Reply))

    def _say(self, said: Iterable[Said], now_s: float) -> None:
        for word in said:
            if isinstance(word, Announcement):
                self._announce(word)
            elif len(self._replies) < _MOST_REPLIES and is_topic_name(word.topic) and word.until_s >= now_s:
                self._replies.append(word)
            else:
                self._unreplied += 1

    def _guarded(self, call: Callable[[], Sequence[Said]]) -> Sequence[Said]:
        """What a listener says. What a stranger sent must not end the publisher, whatever we overlooked."""
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - around one listener
            place = str(traceback.extract_tb(error.__traceback__)[-1])
            if place not in self._failed and len(self._failed) < _MOST_TOLD:
                self._failed.add(place)
                self._log.error("listener_failed", error=repr(error), traceback=traceback.format_exc())
            return ()


def _is_for(topics: Sequence[str], message: Incoming) -> bool:
    return any(matches(topic, message.topic) for topic in topics)
