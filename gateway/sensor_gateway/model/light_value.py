"""For values of which one is made for each reading or event: as frozen as the others, and a third of their price."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

Value = TypeVar("Value")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def light_value(*, order: bool = False) -> Callable[[type[Value]], type[Value]]:
    """A slotted, keyword-only dataclass that the type checker keeps frozen.

    At run time nothing stops an assignment: that guard would cost twice as much as all the rest of making one.
    """
    return dataclass(slots=True, kw_only=True, order=order, unsafe_hash=True)
