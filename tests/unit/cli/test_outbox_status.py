"""What ``outbox status`` says of the room, beside what the limits may do."""

from __future__ import annotations

import pytest

from sensor_gateway.cli.outbox.status import room_of
from sensor_gateway.outbox.inspection.status import DAY_S, Flash


def flash(*, max_age_s: float, growth_per_day: float | None = 10_000_000.0) -> Flash:
    return Flash(
        waiting=4_000_000,
        allocated=5_000_000,
        room=60_000_000,
        max_size=64_000_000,
        keep_free=0,
        free=10**9,
        max_age_s=max_age_s,
        growth_per_day=growth_per_day,
    )


@pytest.mark.parametrize(
    ("max_age_s", "said"),
    [
        (300.0, "60 MB; by size, lasts 6 days at 10 MB a day; what is older than 5 minutes (max_age) may go sooner"),
        (30 * DAY_S, "60 MB; by size, lasts 6 days at 10 MB a day"),
    ],
)
def test_the_room_is_told_by_size_and_an_age_that_comes_first_is_named(max_age_s: float, said: str) -> None:
    assert room_of(flash(max_age_s=max_age_s)) == said


def test_where_too_little_waits_nothing_is_foretold() -> None:
    assert room_of(flash(max_age_s=300.0, growth_per_day=None)).startswith("60 MB; too little waits on flash")
