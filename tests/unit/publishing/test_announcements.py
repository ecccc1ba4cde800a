"""Announcements: the newest of each topic, all of them on each connection."""

from __future__ import annotations

from sensor_gateway.publishing.announcements import Announcement, Announcements


def _drain(announcements: Announcements) -> list[str]:
    taken = []
    while (announcement := _take(announcements)) is not None:
        taken.append(announcement.topic)
    return taken


def _take(announcements: Announcements) -> Announcement | None:
    announcement = announcements.peek(lambda _topic: False)
    if announcement is not None:
        announcements.take(announcement)
    return announcement


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
    assert _take(announcements) == Announcement(topic="status", payload=b"2")
    announcements.put("status", b"2")
    assert _take(announcements) is None


def test_what_the_broker_refused_is_due_again() -> None:
    announcements = Announcements()
    announcements.put("status", b"1")
    taken = _take(announcements)
    assert taken is not None
    announcements.refused(taken)
    announcements.put("status", b"2")
    assert _take(announcements) == Announcement(topic="status", payload=b"2")
    assert _take(announcements) is None


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


def test_what_is_left_out_stays_due_and_the_rest_goes_first() -> None:
    announcements = Announcements()
    for topic in ("status", "meta"):
        announcements.put(topic, b"1")
    assert announcements.peek(lambda topic: topic == "status") == Announcement(topic="meta", payload=b"1")
    assert announcements.known(lambda topic: topic == "status") == Announcement(topic="meta", payload=b"1")
    assert announcements.known(lambda _topic: True) is None
    assert _drain(announcements) == ["status", "meta"]
