"""What a section objects to is said beside other faults only where it holds whatever stands in their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sensor_gateway.config.values.decoder import fields_of
from sensor_gateway.config.values.objections import certain_objection
from sensor_gateway.config.values.readers import INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    size: int
    low: float = 0.0
    high: float | None = None
    kind: Literal["single", "double"] = "single"
    parts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.size > 100:
            raise ValueError("size is above 100")
        if self.kind == "single" and self.size == 2:
            raise ValueError("size 2 is for two")
        if self.high is not None and self.high <= self.low:
            raise ValueError("low must be below `high`")
        if self.size < 0:
            raise ValueError(f"size of a {self.kind} window is negative")


def said(**values: object) -> str:
    return certain_objection(Window, values, fields_of(Window))


def test_what_holds_for_every_choice_is_said() -> None:
    assert said(size=101, kind=INVALID, high=INVALID) == "size is above 100"
    assert said(size=101) == "size is above 100"


def test_what_another_choice_would_mend_is_not() -> None:
    assert said(size=2, kind=INVALID) == ""
    assert said(size=-1, kind=INVALID) == ""


def test_what_a_guessed_number_may_have_caused_is_not() -> None:
    assert said(size=1, low=INVALID, high=0.5) == ""
    assert said(size=INVALID, high=-1.0) == "low must be below `high`"


def test_nothing_is_said_about_a_value_that_cannot_be_guessed() -> None:
    assert said(size=101, parts=INVALID) == ""
    assert said(size=101, other=INVALID) == ""
