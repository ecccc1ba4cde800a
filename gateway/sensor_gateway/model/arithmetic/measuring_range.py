"""Which of a chip's measuring ranges suits what was just measured: for drivers that set gain and time themselves.

A chip with gains and integration times sees moonlight and sunlight, but not with the same ones. Pure: no bus, no state.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from sensor_gateway.model.errors import OverRange
from sensor_gateway.model.operations import Operation

Answer = TypeVar("Answer")

Ranged: TypeAlias = Generator[Operation, bytes, tuple[Answer, float | None]]
"""A measurement in one range: its answer, and the level that it tells; None where it was saturated."""

MOST_RANGES_TRIED: Final = 5
"""In one measurement: the range in use, the brightest after saturation, the one that suits, and its neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What one range measures well: levels from ``low`` to ``high``, on one scale for all ranges of a chip."""

    low: float
    high: float


def suitable_range(spans: Sequence[Span], at: int, level: float | None) -> int:
    """The place of the range that suits ``level``, which was measured in range ``at``; None: it was saturated there.

    ``spans`` go from the darkest range to the brightest and overlap: a range is kept while the level is within its
    span, so that light at a border changes nothing to and fro. Otherwise it is the darkest that reaches the level.
    Saturated light is looked at in the brightest range, which tells the rest. Both ends take what lies beyond them:
    ``at`` as the answer means that this measurement stands.
    """
    last = len(spans) - 1
    if level is None:
        return last
    if spans[at].low <= level <= spans[at].high:
        return at
    return next((place for place, span in enumerate(spans) if level <= span.high), last)


def suited(
    spans: Sequence[Span], at: int, measured: Callable[[int], Ranged[Answer]], *, is_fixed: bool = False
) -> Generator[Operation, bytes, Answer]:
    """Measure in range ``at``, and again in the one that suits, until that is the range in use; the last answer.

    ``measured(place)`` measures in the range of that place. It enters the range where that is another one than before,
    and remembers it for the next measurement. Where ``is_fixed``, the first answer stands. OverRange where the level
    runs away from every range that was chosen for it.
    """
    for _ in range(MOST_RANGES_TRIED):
        answer, level = yield from measured(at)
        place = at if is_fixed else suitable_range(spans, at, level)
        if place == at:
            return answer
        at = place
    raise OverRange("the light changes faster than the chip's ranges can follow")
