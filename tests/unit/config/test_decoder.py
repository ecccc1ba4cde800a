"""Types that options of a driver may have, and those that no file can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NewType

import pytest

from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.yaml_nodes import parse
from sensor_gateway.config.values.decoder import UnsupportedType, fields_of, read_section
from sensor_gateway.config.values.readers import INVALID

Volts = NewType("Volts", float)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    low: float
    high: float = 1.0

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"low: must be below high, got {self.low}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    volts: Annotated[Volts, "A number of a type of its own."] = Volts(3.3)
    colour: Colour = Colour.RED
    inner: Inner | None = None
    inners: tuple[Inner, ...] = ()
    by_name: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    plain: dict[str, str] = field(default_factory=dict)
    number_or_pair: float | tuple[float, float] = 0.0
    level: Literal[1, "auto", True] = "auto"
    hidden: int = field(init=False, default=7)


def read(text: str, section: type = Everything) -> tuple[object, list[str]]:
    report = Report()
    node = parse(text, Path("f.yaml"), report)
    assert node is not None
    return read_section(section, node, "", report), [str(fault) for fault in report.faults]


def test_nothing_written_is_everything_by_default() -> None:
    assert read("") == (Everything(), [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("volts: 5", Everything(volts=Volts(5))),
        ("colour: blue", Everything(colour=Colour.BLUE)),
        ("inner: {low: 0}", Everything(inner=Inner(low=0))),
        ("inner: null", Everything(inner=None)),
        ("inners: [{low: 0}, {low: 0.5, high: 2}]", Everything(inners=(Inner(low=0), Inner(low=0.5, high=2)))),
        ("by_name: {a: [1, 2], b: []}", Everything(by_name={"a": (1, 2), "b": ()})),
        ("plain: {no: yes}", Everything(plain={"no": "yes"})),
        ("number_or_pair: [1, 2]", Everything(number_or_pair=(1.0, 2.0))),
        ("number_or_pair: 7", Everything(number_or_pair=7.0)),
        ("level: 1", Everything(level=1)),
        ("level: true", Everything(level=True)),
    ],
)
def test_every_type_is_read(text: str, expected: Everything) -> None:
    value, faults = read(text)
    assert faults == []
    assert value == expected
    assert isinstance(value, Everything)
    assert isinstance(value.volts, float)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour: green", "1:9 colour: expected one of red, blue, got the text 'green'"),
        ("inner: {low: 5}", "1:14 inner.low: must be below high, got 5.0"),
        ("inner: {}", "1:8 inner.low: `low` is missing; expected a value"),
        ("number_or_pair: [1, a]", "1:21 number_or_pair[1]: expected a number, got the text 'a'"),
        ("number_or_pair: a", "1:17 number_or_pair: expected a number, got the text 'a'"),
        ("level: 2", "1:8 level: expected one of 1, auto, true, got the number 2"),
        ("hidden: 2", "1:1 hidden: unknown key `hidden`;"),
        ("by_name: {a: 1}", "1:14 by_name.a: expected a list, got the number 1; did you mean [1]?"),
    ],
)
def test_what_does_not_fit_is_located(text: str, said: str) -> None:
    value, faults = read(text)
    assert value is INVALID
    assert len(faults) == 1
    assert faults[0].startswith(f"f.yaml:{said}")


def test_descriptions_come_from_the_annotations() -> None:
    assert fields_of(Everything)["volts"].description == "A number of a type of its own."
    assert fields_of(Everything)["colour"].description == ""


@dataclass(kw_only=True)
class WithSet:
    values: set[int]


@dataclass(kw_only=True)
class WithNumberKeys:
    values: dict[int, int]


@dataclass(kw_only=True)
class WithAny:
    values: Any


@dataclass(kw_only=True)
class WithUnknownName:
    values: NoSuchType  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize("section", [WithSet, WithNumberKeys, WithAny, WithUnknownName, int])
def test_a_type_that_no_file_can_hold_is_refused(section: type) -> None:
    with pytest.raises(UnsupportedType):
        fields_of(section)
