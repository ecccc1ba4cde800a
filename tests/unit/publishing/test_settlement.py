"""What becomes of the topics of an earlier configuration: nothing dead stays at the broker, nothing alive is taken."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.publishing.announcements import Announcement, Announcements
from sensor_gateway.publishing.discovery.documents import MIGRATE
from sensor_gateway.publishing.retained.removals import Removals
from sensor_gateway.publishing.retained.settlement import Record, settle

RECORDS = st.dictionaries(
    st.sampled_from("abcdef"), st.dictionaries(st.sampled_from(["u1", "u2", "u3"]), st.just("sensor"), max_size=2)
)


def drained(announcements: Announcements) -> list[Announcement]:
    taken = []
    while (following := announcements.peek(lambda _topic: False)) is not None:
        announcements.take(following)
        taken.append(following)
    return taken


@given(remembered=RECORDS, wanted=RECORDS)
def test_every_topic_that_is_not_wanted_is_taken_back_and_no_other(remembered: Record, wanted: Record) -> None:
    settlement = settle(remembered, wanted)
    assert {*settlement.moved, *settlement.cleared} == remembered.keys() - wanted.keys()
    assert not {*settlement.moved} & {*settlement.cleared}
    assert settlement.meanwhile.keys() == remembered.keys() | wanted.keys()
    announced = {unique_id for entities in wanted.values() for unique_id in entities}
    left = {unique_id for topic in remembered.keys() & wanted.keys() for unique_id in remembered[topic]} - announced
    assert {unique_id for entities in settlement.removed.values() for unique_id in entities} == left


@given(record=RECORDS)
def test_nothing_is_to_be_done_for_the_same_configuration(record: Record) -> None:
    settlement = settle(record, record)
    assert not settlement.cleared
    assert not settlement.moved
    assert not settlement.removed
    assert settlement.meanwhile == record


@given(remembered=RECORDS, wanted=RECORDS)
def test_a_life_that_ends_too_early_leaves_the_rest_to_the_next(remembered: Record, wanted: Record) -> None:
    """What is remembered meanwhile gives the same settlement again, whatever of it was done."""
    settlement = settle(remembered, wanted)
    again = settle(settlement.meanwhile, wanted)
    assert {*again.moved, *again.cleared} == {*settlement.moved, *settlement.cleared}
    assert again.removed == settlement.removed


def confirm(announcements: Announcements, removals: Removals, message: Announcement) -> None:
    """What the herald and the delivery do with a good answer."""
    announcements.answered(message)
    removals.confirmed(message)


def test_what_was_published_last_is_cleared_first() -> None:
    """The devices behind a gateway go before the gateway, to which they refer."""
    assert settle({"status": {}, "gateway": {"g": "sensor"}, "attic": {"a": "sensor"}}, {}).cleared == (
        "attic",
        "gateway",
        "status",
    )


def test_a_topic_is_forgotten_only_when_the_broker_has_confirmed_that_it_is_gone() -> None:
    kept: list[Record] = []
    announcements = Announcements()
    removals = Removals(announcements, kept.append)
    removals.begin(settle({"a": {}, "b": {}, "c": {}}, {"a": {}}))
    said = drained(announcements)
    assert said == [Announcement(topic="c", payload=b""), Announcement(topic="b", payload=b"")]
    confirm(announcements, removals, said[0])
    assert kept == []
    announcements.renew()
    assert [one.topic for one in drained(announcements)] == ["b"], "what is gone is not cleared again"
    confirm(announcements, removals, said[1])
    assert kept == [{"a": {}}]
    confirm(announcements, removals, said[1])
    assert len(kept) == 1


def test_a_topic_that_is_wanted_again_before_it_was_cleared_is_not_cleared() -> None:
    """A sensor that a reload took out, and the next one brought back: its state must not be wiped later."""
    announcements = Announcements()
    removals = Removals(announcements, lambda _record: None)
    full: Record = {"meta": {}, "state/attic/t": {}, "availability/attic": {}}
    less = settle(full, {"meta": {}})
    removals.begin(less, {"availability/attic": b"offline"})
    removals.begin(settle(less.meanwhile, full))
    assert drained(announcements) == []


def test_entities_that_change_topics_are_let_go_before_the_old_topic_is_cleared() -> None:
    kept: list[Record] = []
    announcements = Announcements()
    removals = Removals(announcements, kept.append)
    removals.begin(settle({"single": {"u1": "sensor"}}, {"device": {"u1": "sensor"}}))
    announcements.put("device", b"{}")
    said = drained(announcements)
    assert said == [Announcement(topic="single", payload=MIGRATE), Announcement(topic="device", payload=b"{}")]
    confirm(announcements, removals, said[0])
    assert drained(announcements) == [Announcement(topic="single", payload=b"")]
    assert kept == []
    announcements.renew()
    confirm(announcements, removals, drained(announcements)[1])
    assert kept == [{"device": {"u1": "sensor"}}]


def test_a_removed_entity_is_forgotten_with_the_message_that_removes_it() -> None:
    kept: list[Record] = []
    announcements = Announcements()
    removals = Removals(announcements, kept.append)
    settlement = settle({"device": {"u1": "sensor", "u2": "sensor"}}, {"device": {"u1": "sensor"}})
    assert settlement.removed == {"device": {"u2": "sensor"}}
    removals.begin(settlement)
    announcements.put("device", b"{}")
    (message,) = drained(announcements)
    confirm(announcements, removals, message)
    assert kept == [{"device": {"u1": "sensor"}}]
