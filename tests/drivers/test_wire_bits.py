"""What the load check of a bus reckons with for one measurement is what one costs, on the model of each chip."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import pytest
from proving.faults.subjects import Subject, installed, subjects_of
from proving.faults.trial import told
from proving.faults.wire import Transfer

from sensor_gateway.driver import BusKind

WAITS = {"scd4x"}
"""It is asked four times a second for up to 5 s whether it has measured, in two transfers each time."""

SUBJECTS = {
    f"{name}: {variant}": next(subjects_of(spec, variant))
    for name, spec in installed(BusKind.I2C).items()
    for variant in spec.variants
    if name not in WAITS
}


def clocks(transfers: Sequence[Transfer]) -> int:
    """Nine for each byte and its acknowledgement, the address too, and one for each start and stop."""
    total = 0
    for transfer in transfers:
        halves = [len(half) for half in (transfer.data, transfer.answer) if half]
        total += sum(1 + 9 * (1 + count) for count in halves) + 1
    return total


def cost(subject: Subject) -> int:
    """Of one measurement. Looks at a chip that is not ready yet count once."""
    fewer, more = (told(subject, None, polls=polls).transfers for polls in (3, 4))
    last = more[len(fewer) :]
    return clocks([next(same) for _, same in groupby(last, key=lambda transfer: (transfer.data, len(transfer.answer)))])


def reckoned(subject: Subject) -> int:
    """As the load check does: drivers whose options make channels are reckoned with 22 for each but the first."""
    bits = subject.spec.variants[subject.variant].wire_bits
    return bits if subject.spec.channels_of is None else bits + 22 * (len(subject.channels) - 1)


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_measurement_costs_a_bus_no_more_than_is_reckoned(name: str) -> None:
    subject = SUBJECTS[name]
    assert 0 < cost(subject) <= reckoned(subject)


def test_a_figure_that_is_too_low_is_noticed() -> None:
    """An LTR-390 was once reckoned with 604."""
    assert cost(SUBJECTS["ltr390: ltr390"]) > 604
