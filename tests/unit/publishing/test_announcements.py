"""Announcements: the newest of each topic, all of them on each connection."""

from __future__ import annotations

from sensor_gateway.publishing.announcements import Announcement, Announcements


def _drain(announcements: Announcements) -> list[str]:
    taken = []
    while (announcement := announcements.take()) is not None:
        taken.append(announcement.topic)
    return taken


def test_each_connection_gets_everything_in_the_order_of_first_mention() -> None:
    announcements = Announcements()
    for topic in ("status", "meta", "availability/attic"):
        announcements.put(topic, b"1")
    assert _drain(announcements) == ["status", "meta", "availability/attic"]
    announcements.put("status", b"2")
    announcements.renew()
    assert _drain(announcements) == ["status", "meta", "availability/attic"]


def test_only_the_newest_payload_is_said_and_nothing_twice() -> None:
    announcements = Announcements()
    announcements.put("status", b"1")
    announcements.put("status", b"2")
    assert announcements.take() == Announcement(topic="status", payload=b"2")
    announcements.put("status", b"2")
    assert not announcements.has_due


def test_what_the_broker_refused_is_due_again() -> None:
    announcements = Announcements()
    announcements.put("status", b"1")
    taken = announcements.take()
    assert taken is not None
    announcements.refused(taken)
    announcements.put("status", b"2")
    assert announcements.take() == Announcement(topic="status", payload=b"2")
    assert not announcements.has_due


def test_a_denied_topic_rests_until_the_next_connection() -> None:
    announcements = Announcements()
    announcements.put("meta", b"1")
    announcements.put("status", b"1")
    assert _drain(announcements) == ["meta", "status"]
    assert announcements.denied("meta")
    assert not announcements.denied("meta"), "news only once"
    announcements.put("meta", b"2")
    announcements.put("status", b"2")
    assert _drain(announcements) == ["status"]
    announcements.renew()
    assert _drain(announcements) == ["meta", "status"]
