"""What is said on retained topics: announcements at QoS 1 and states at QoS 0, ahead of the stream.

On a new connection: status, meta, availability, states. After that what is news, and again what the broker had no room
for. What makes the broker hang up is found, and left out for a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import Stamp
from sensor_gateway.publishing.announcements import Announcement, Announcements
from sensor_gateway.publishing.messages import Program, Topics, status
from sensor_gateway.publishing.retained.suspects import Suspects
from sensor_gateway.publishing.session import Content, Session
from sensor_gateway.publishing.states import RetainedStates

_AGAIN_S: Final = 5.0
_FAILURE: Final = 0x80
_NOT_AUTHORIZED: Final = 0x87


class Herald:
    """Announcements and states of one publisher, through all its connections.

    ``lets_follow``: whether the stream might go on after the last ``send``. ``is_farewell_taken``: the broker has
    confirmed that we said offline.
    """

    def __init__(self, topics: Topics, program: Program, states: RetainedStates, *, now_s: float, log: Log) -> None:
        """Nothing is due yet."""
        self.announcements = Announcements()
        self.states = states
        self._topics = topics
        self._all_states = topics.state("+", "+")
        self._program = program
        self._log = log
        self._suspects = Suspects()
        self._from_s = now_s
        self._is_introduced = False
        self._alone: Announcement | None = None
        self._farewell: Announcement | None = None
        self.is_farewell_taken = False
        self.lets_follow = False

    def begin(self) -> None:
        """A new connection: it gets everything from the start."""
        self._is_introduced = False
        self._from_s = 0.0
        self._alone = None
        self.announcements.renew()
        self.states.renew()

    def answered(self, session: Session, content: Announcement, reason: int, now_s: float) -> None:
        """The broker's answer to an announcement."""
        session.is_trusted = True
        self._suspects.cleared(content.topic)
        if content is self._alone:
            self._alone = None
        if content is self._farewell:
            self._farewell = None  # where it was refused, the will says the same
            self.is_farewell_taken = reason < _FAILURE
        elif reason == _NOT_AUTHORIZED:
            if self.announcements.denied(content.topic):
                self._log.error("topic_denied", topic=content.topic)
        elif reason >= _FAILURE:
            self.announcements.refused(content)
            self._from_s = now_s + _AGAIN_S
        else:
            self.announcements.answered(content)

    def send(self, session: Session, now_s: float, now: Stamp, *, is_careful: bool) -> None:
        """Send what is due, as far as the window and the socket have room.

        ``is_careful``: somebody is suspected, so that what goes out must be told apart by its answer.
        """
        if session.has_proven_states:
            self._suspects.cleared(self._all_states)
        self._announce(session, now_s)
        if not self._is_introduced:
            # What the broker refuses is tried again later, and does not keep the stream back meanwhile.
            self._is_introduced = now_s < self._from_s or self._next(now_s) is None
        is_clear = self._is_introduced and self._alone is None and not self._is_suspect_due(now_s)
        self.lets_follow = is_clear and self._send_states(session, now_s, now, is_careful=is_careful)

    def blame(self, session: Session, unanswered: Sequence[Content], now_s: float) -> bool:
        """The broker closed the connection over ``unanswered``; whether it is something of ours that is suspected."""
        first = unanswered[0] if unanswered else None
        if session.has_unproven_states:
            topic, is_alone = self._all_states, self._alone is not None and len(unanswered) == 1
        elif isinstance(first, Announcement):
            topic, is_alone = first.topic, len(unanswered) == 1
        else:
            return False
        if self._suspects.closed(topic, now_s, is_alone=is_alone):
            self._log.error("topic_closes_connection", topic=topic, why="the broker hangs up on it, so it is left out")
        return True

    def say_goodbye(self, session: Session, now: Stamp) -> None:
        """A clean stop: no value is looked after any more, and then we are gone."""
        self.states.retract()
        if self.states.has_due and self._all_states not in self._suspects:
            session.publish_states(self.states.take(now))
        self._farewell = Announcement(topic=self._topics.status, payload=status("offline", self._program, now))

    def finish(self, session: Session) -> bool:
        """Goes on with the goodbye; True when the broker has answered it, or cannot any more."""
        farewell = self._farewell
        if farewell is None or session.loss is not None:
            return True
        if farewell not in session.window and session.window.has_room:
            session.publish(farewell, farewell.topic, farewell.payload, retain=True)
        return False

    def is_idle(self, now_s: float) -> bool:
        """Whether nothing is to be announced soon."""
        return self._next(now_s) is None

    def wait_s(self, session: Session, now_s: float, now: Stamp) -> float:
        """Seconds until there is something to send, if nothing happens before."""
        wait_s = self.states.expiry_in_s(now.uptime_ms)
        rest_s = self._suspects.wait_s(now_s)
        if rest_s is not None:
            wait_s = min(wait_s, rest_s)
        following = self._next(now_s)
        if following is None or not session.window.has_room or self._alone is not None:
            return wait_s
        if following.topic in self._suspects and len(session.window):
            return wait_s
        return min(wait_s, max(self._from_s - now_s, 0.0))

    def _next(self, now_s: float) -> Announcement | None:
        return self.announcements.peek(lambda topic: self._suspects.rests(topic, now_s))

    def _is_suspect_due(self, now_s: float) -> bool:
        following = self._next(now_s)
        return following is not None and following.topic in self._suspects and now_s >= self._from_s

    def _announce(self, session: Session, now_s: float) -> None:
        while now_s >= self._from_s and self._alone is None and session.window.has_room and session.loss is None:
            announcement = self._next(now_s)
            if announcement is None:
                return
            topic, payload = announcement.topic, announcement.payload
            is_suspect = topic in self._suspects
            if is_suspect and len(session.window):
                return
            self.announcements.take(announcement)
            if len(payload) > session.room(topic):
                self._log.error("message_too_large", topic=topic, bytes=len(payload), most=session.room(topic))
                continue
            if session.publish(announcement, topic, payload, retain=True) and is_suspect:
                self._alone = announcement

    def _send_states(self, session: Session, now_s: float, now: Stamp, *, is_careful: bool) -> bool:
        """Whether the stream may follow. Where care is taken, an announcement follows, and its answer clears them."""
        is_left_out = self._suspects.rests(self._all_states, now_s)
        if not self.states.has_due or is_left_out or session.wants_write or session.loss is not None:
            return True
        if not is_careful and self._all_states not in self._suspects:
            session.publish_states(self.states.take(now))
            return True
        if len(session.window):
            return False
        fence = self.announcements.known(lambda topic: self._suspects.rests(topic, now_s))
        if fence is None:
            return True
        session.publish_states(self.states.take(now))
        if session.publish(fence, fence.topic, fence.payload, retain=True):
            self._alone = fence
        return False
