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


def _answer(announcements: Announcements) -> tuple[str, bytes] | None:
    taken = _take(announcements)
    if taken is None:
        return None
    announcements.answered(taken)
    return taken.topic, taken.payload


def test_a_topic_that_is_cleared_has_its_last_words_then_an_empty_payload_and_is_forgotten() -> None:
    announcements = Announcements()
    announcements.put("availability/attic", b"online")
    assert _answer(announcements) == ("availability/attic", b"online")
    announcements.clear("availability/attic", b"offline")
    assert _answer(announcements) == ("availability/attic", b"offline")
    assert _answer(announcements) == ("availability/attic", b"")
    assert _answer(announcements) is None
    announcements.renew()
    assert _answer(announcements) is None


def test_a_clearing_that_nobody_answered_is_said_again_on_the_next_connection() -> None:
    announcements = Announcements()
    announcements.clear("state/attic/temperature")
    assert _take(announcements) is not None
    announcements.renew()
    assert _answer(announcements) == ("state/attic/temperature", b"")
    announcements.renew()
    assert _answer(announcements) is None


def test_words_that_were_said_already_are_last_words_all_the_same() -> None:
    announcements = Announcements()
    announcements.put("availability/attic", b"offline")
    assert _answer(announcements) == ("availability/attic", b"offline")
    announcements.clear("availability/attic", b"offline")
    assert _answer(announcements) == ("availability/attic", b"offline")
    assert _answer(announcements) == ("availability/attic", b"")


def test_what_comes_back_before_it_was_cleared_stays() -> None:
    announcements = Announcements()
    announcements.put("availability/attic", b"online")
    _answer(announcements)
    announcements.clear("availability/attic", b"offline")
    under_way = _take(announcements)
    assert under_way is not None
    announcements.put("availability/attic", b"starting")
    announcements.answered(under_way)
    assert _answer(announcements) == ("availability/attic", b"starting")
    announcements.renew()
    assert _answer(announcements) == ("availability/attic", b"starting")
