from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from sensor_gateway.model.light_value import light_value


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Frozen:
    first: int
    second: str = "b"
    unseen: int = field(default=0, compare=False, repr=False)


@light_value(order=True)
class Light:
    first: int
    second: str = "b"
    unseen: int = field(default=0, compare=False, repr=False)


def test_a_light_value_compares_sorts_hashes_and_shows_as_a_frozen_one_does() -> None:
    light, frozen = Light(first=1, unseen=7), Frozen(first=1, unseen=7)
    assert repr(light).removeprefix("Light") == repr(frozen).removeprefix("Frozen")
    assert hash(light) == hash(frozen)
    assert light == Light(first=1, unseen=8)
    assert light < Light(first=1, second="c") < Light(first=2)
    assert replace(light, first=3) == Light(first=3)


def test_a_light_value_takes_keywords_alone_and_has_no_further_attributes() -> None:
    make: Any = Light
    with pytest.raises(TypeError, match="positional"):
        make(1)
    with pytest.raises(AttributeError):
        make(first=1).third = 3
