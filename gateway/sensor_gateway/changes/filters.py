"""Filters: what stands between a measured value and its judgement. Pure arithmetic on floats, in the order written.

A filter is a frozen specification that knows how to begin anew; the state of a run lives in what it began.
``memory`` is how many earlier values its result rests on. No filter knows of sensors, time or quality.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Final, TypeAlias

Step: TypeAlias = Callable[[float], float | None]
"""One filter at work: a value in, a value out, or None while there is none to give."""

_MOST_SAMPLES: Final = 10_000
_FIRST_WEIGHT: Final = 0.05
_MOST_DIGITS: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Median:
    """The middle one of the last ``n`` values (of an even number the mean of the middle two): removes spikes."""

    n: int

    def __post_init__(self) -> None:
        """Refuse a window that holds nothing, or more than memory should (ValueError)."""
        _check_count("median", self.n)

    @property
    def memory(self) -> int:
        """How many earlier values the result rests on."""
        return self.n - 1

    def begin(self) -> Step:
        """An empty window."""
        window: deque[float] = deque()
        ranked: list[float] = []

        def step(value: float) -> float:
            if len(window) == self.n:
                del ranked[bisect_right(ranked, window.popleft()) - 1]
            window.append(value)
            insort(ranked, value)
            half, is_odd = divmod(len(ranked), 2)
            return ranked[half] if is_odd else ranked[half - 1] / 2 + ranked[half] / 2

        return step


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingAverage:
    """The mean of the last ``n`` values."""

    n: int

    def __post_init__(self) -> None:
        """Refuse a window that holds nothing, or more than memory should (ValueError)."""
        _check_count("moving_average", self.n)

    @property
    def memory(self) -> int:
        """How many earlier values the result rests on."""
        return self.n - 1

    def begin(self) -> Step:
        """An empty window. Its sum is made anew each time: a running one would keep every rounding error."""
        window: deque[float] = deque(maxlen=self.n)

        def step(value: float) -> float:
            window.append(value)
            return sum(window) / len(window)

        return step


@dataclass(frozen=True, slots=True, kw_only=True)
class ExponentialAverage:
    """Moves by the part ``alpha`` of the way to each new value; begins at the first one.

    It counts as full once that first value weighs no more than 5 % in the result: with alpha 0.2 at the 15th.
    """

    alpha: float

    def __post_init__(self) -> None:
        """Refuse a part that is none (ValueError)."""
        if not 0 < self.alpha <= 1:
            raise ValueError(f"exponential_average: alpha must be above 0 and at most 1, got {self.alpha}")

    @property
    def memory(self) -> int:
        """How many earlier values the result rests on."""
        return 0 if self.alpha == 1 else math.ceil(math.log(_FIRST_WEIGHT) / math.log1p(-self.alpha))

    def begin(self) -> Step:
        """An average that has seen nothing."""
        average: float | None = None

        def step(value: float) -> float:
            nonlocal average
            average = value if average is None else average + self.alpha * (value - average)
            return average

        return step


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """Adds ``by``, in the channel's unit."""

    memory: ClassVar[int] = 0
    by: float

    def __post_init__(self) -> None:
        """Refuse what is no number (ValueError)."""
        _check_finite("offset", self.by)

    def begin(self) -> Step:
        """Nothing to remember."""
        by = self.by
        return lambda value: value + by


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiply:
    """Multiplies with ``by``."""

    memory: ClassVar[int] = 0
    by: float

    def __post_init__(self) -> None:
        """Refuse what is no number, and 0, which leaves nothing of the value (ValueError)."""
        _check_finite("multiply", self.by)
        if self.by == 0:
            raise ValueError("multiply: must not be 0, or every value becomes 0")

    def begin(self) -> Step:
        """Nothing to remember."""
        by = self.by
        return lambda value: value * by


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """Calibration by points ``(raw, true)``: straight lines between them; the outer lines go on beyond the ends."""

    memory: ClassVar[int] = 0
    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        """Refuse fewer than two points, what is no number, and raw values that do not rise (ValueError)."""
        if len(self.points) < 2:
            raise ValueError(f"linear: needs at least 2 points [raw, true], got {len(self.points)}")
        for point in self.points:
            if len(point) != 2:
                raise ValueError(f"linear: a point is [raw, true], got {list(point)}")
            _check_finite("linear", *point)
        for (raw, _), (following, _) in pairwise(self.points):
            if not raw < following:
                raise ValueError(f"linear: raw values must rise from point to point, got {raw} and then {following}")

    def begin(self) -> Step:
        """Nothing to remember."""
        starts = self.points[:-1]
        inner = [raw for raw, _ in self.points[1:-1]]
        slopes = [(y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in pairwise(self.points)]

        def step(value: float) -> float:
            segment = bisect_right(inner, value)
            raw, true = starts[segment]
            return true + (value - raw) * slopes[segment]

        return step


@dataclass(frozen=True, slots=True, kw_only=True)
class Clamp:
    """Holds values between ``low`` and ``high``."""

    memory: ClassVar[int] = 0
    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse ends that are no numbers or leave no room (ValueError)."""
        _check_finite("clamp", self.low, self.high)
        if not self.low < self.high:
            raise ValueError(f"clamp: min must be below max, got {self.low} and {self.high}")

    def begin(self) -> Step:
        """Nothing to remember."""
        low, high = self.low, self.high
        return lambda value: low if value < low else min(value, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Rounds to ``digits`` decimals; below 0 to tens, hundreds and so on."""

    memory: ClassVar[int] = 0
    digits: int

    def __post_init__(self) -> None:
        """Refuse more digits than a float has (ValueError)."""
        if not -_MOST_DIGITS <= self.digits <= _MOST_DIGITS:
            raise ValueError(f"round: digits must be between -{_MOST_DIGITS} and {_MOST_DIGITS}, got {self.digits}")

    def begin(self) -> Step:
        """Nothing to remember."""
        digits = self.digits
        return lambda value: round(value, digits)


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipInitial:
    """Gives nothing for the first ``n`` values: for sensors that settle after they were switched on."""

    n: int

    def __post_init__(self) -> None:
        """Refuse a number that skips nothing, or for ever (ValueError)."""
        _check_count("skip_initial", self.n)

    @property
    def memory(self) -> int:
        """How many values pass before the first result."""
        return self.n

    def begin(self) -> Step:
        """All ``n`` still to come."""
        left = self.n

        def step(value: float) -> float | None:
            nonlocal left
            if left == 0:
                return value
            left -= 1
            return None

        return step


FilterSpec: TypeAlias = (
    Median | MovingAverage | ExponentialAverage | Offset | Multiply | Linear | Clamp | Round | SkipInitial
)


def _check_count(name: str, n: int) -> None:
    if not 1 <= n <= _MOST_SAMPLES:
        raise ValueError(f"{name}: must be a number of samples from 1 to {_MOST_SAMPLES}, got {n}")


def _check_finite(name: str, *numbers: float) -> None:
    for number in numbers:
        if not math.isfinite(number):
            raise ValueError(f"{name}: expected a finite number, got {number}")
