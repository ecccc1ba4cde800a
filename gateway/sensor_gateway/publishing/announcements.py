"""Retained topics at QoS 1 (status, meta, availability, and later health and discovery): which are due. Pure.

Only the newest payload of a topic counts. Each connection gets all of them again, in the order in which the topics
became known, since the broker may have lost its store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One message of a retained topic."""

    topic: str
    payload: bytes


class Announcements:
    """The newest message of each topic, and which of them this connection has not been given yet."""

    def __init__(self) -> None:
        """Start with nothing to say."""
        self._newest: dict[str, Announcement] = {}
        self._due: dict[str, None] = {}
        self._denied: set[str] = set()
        self._leaving: set[str] = set()

    def put(self, topic: str, payload: bytes) -> None:
        """Make ``payload`` the newest of its topic. What is said already is not due again."""
        self._leaving.discard(topic)
        self._put(topic, payload)

    def clear(self, topic: str, last_words: bytes = b"") -> None:
        """Take the topic back: an empty retained payload, after ``last_words`` for those who listen.

        Once the broker has answered well to both, nothing is known of the topic any more.
        """
        self._leaving.add(topic)
        self._newest.pop(topic, None)
        self._put(topic, last_words)

    def answered(self, announcement: Announcement) -> None:
        """The broker has it. A topic that is being cleared goes one step on, unless something newer was put there."""
        topic = announcement.topic
        if topic not in self._leaving or self._newest.get(topic) is not announcement:
            return
        del self._newest[topic]
        self._due.pop(topic, None)
        if announcement.payload:
            self._put(topic, b"")
        else:
            self._leaving.discard(topic)

    def say(self, announcement: Announcement) -> None:
        """Make it the newest of its topic, and due even if it was said already."""
        self.put(announcement.topic, announcement.payload)
        self._due[announcement.topic] = None

    def drop(self, topic: str) -> None:
        """Nothing is to be said of ``topic`` any more, and it is not to be cleared."""
        self._leaving.discard(topic)
        self._newest.pop(topic, None)
        self._due.pop(topic, None)

    def renew(self) -> None:
        """A new connection: everything is due, in order, and what was denied may be tried again."""
        self._denied.clear()
        self._due = dict.fromkeys(self._newest)

    def peek(self, is_left_out: Callable[[str], bool]) -> Announcement | None:
        """The next one due; None when there is none. What is left out stays due."""
        due = (topic for topic in self._due if topic not in self._denied and not is_left_out(topic))
        topic = next(due, None)
        return None if topic is None else self._newest[topic]

    def take(self, announcement: Announcement) -> None:
        """It counts as being said from now on."""
        self._due.pop(announcement.topic, None)

    def known(self, is_left_out: Callable[[str], bool]) -> Announcement | None:
        """The first one that may be said again, due or not."""
        topic = next((topic for topic in self._newest if not is_left_out(topic)), None)
        return None if topic is None else self._newest[topic]

    def refused(self, announcement: Announcement) -> None:
        """The broker could not take it now: it is due again, unless a newer one is already."""
        if announcement.topic in self._newest:
            self._due[announcement.topic] = None

    def denied(self, topic: str) -> bool:
        """The broker will not have this topic on this connection. True the first time."""
        is_news = topic not in self._denied
        self._denied.add(topic)
        return is_news

    def _put(self, topic: str, payload: bytes) -> None:
        known = self._newest.get(topic)
        if known is None or known.payload != payload:
            self._newest[topic] = Announcement(topic=topic, payload=payload)
            self._due[topic] = None
