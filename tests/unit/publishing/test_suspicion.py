"""Only evidence condemns: three closes by the broker over one event alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.publishing.stream.batch import Batch
from sensor_gateway.publishing.stream.suspicion import Suspicion
from sensor_gateway.testing.memory_outbox import MemoryOutbox, MemoryStored


@pytest.fixture
def stored(outbox: MemoryOutbox, event: Callable[..., ChangeEvent]) -> list[MemoryStored]:
    return outbox.append([event() for _ in range(10)])


def _batch(*entries: MemoryStored) -> Batch:
    return Batch(entries=entries, payload=b"", first=entries[0].position, last=entries[-1].position)


def test_the_event_alone_is_condemned_after_three_closes(stored: list[MemoryStored]) -> None:
    suspicion = Suspicion()
    for _ in range(2):
        suspicion.closed([_batch(stored[3])], is_evidence=True)
        assert not suspicion.is_condemned(stored[3].position)
    suspicion.closed([_batch(stored[3])], is_evidence=True)
    assert suspicion.is_condemned(stored[3].position)
    assert not suspicion.is_condemned(stored[4].position)


def test_three_closes_over_what_stands_in_its_place_clear_the_event_and_blame_the_topic(
    stored: list[MemoryStored],
) -> None:
    suspicion = Suspicion()
    blamed = [suspicion.closed([_batch(stored[3])], is_evidence=True) for _ in range(6)]
    assert blamed == [False] * 5 + [True]
    assert not suspicion.is_condemned(stored[3].position)


def test_a_bad_link_condemns_nobody(stored: list[MemoryStored]) -> None:
    suspicion = Suspicion()
    for _ in range(100):
        suspicion.closed([_batch(stored[3])], is_evidence=False)
        suspicion.closed([_batch(stored[3]), _batch(stored[4])], is_evidence=True)
    assert not suspicion.is_condemned(stored[3].position)


def test_care_grows_with_the_evidence_and_ends_with_success(stored: list[MemoryStored]) -> None:
    suspicion = Suspicion()
    assert not suspicion.is_careful
    suspicion.closed([_batch(*stored[:4]), _batch(*stored[4:8])], is_evidence=False)
    assert suspicion.is_careful
    assert not suspicion.is_single
    suspicion.closed([_batch(*stored[:4])], is_evidence=True)
    assert suspicion.is_single
    suspicion.cleared(stored[2].position)
    assert suspicion.is_single
    suspicion.cleared(stored[3].position)
    assert not suspicion.is_single
    assert suspicion.is_careful
    suspicion.cleared(stored[7].position)
    assert not suspicion.is_careful


def test_success_wipes_the_strikes_out(stored: list[MemoryStored]) -> None:
    suspicion = Suspicion()
    for _ in range(5):
        suspicion.closed([_batch(stored[3])], is_evidence=True)
        suspicion.cleared(stored[3].position)
    assert not suspicion.is_condemned(stored[3].position)
