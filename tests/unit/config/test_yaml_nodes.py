from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import ListNode, MapNode, plain
from sensor_gateway.config.text.yaml_nodes import MAX_ALIASED, parse

FILE = Path("f.yaml")


def value_of(text: str, *, is_pure: bool = False) -> object:
    report = Report()
    node = parse(text, FILE, report, is_pure=is_pure)
    assert node is not None
    assert report.faults == []
    return plain(node)


@pytest.mark.parametrize("is_pure", [False, True])
@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        ("010", 10),
        ("0x76", 118),
        ("0o17", 15),
        ("-5", -5),
        ("+5", 5),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("2026-11-23", "2026-11-23"),
        ("~", None),
        ("", None),
        ("Null", None),
        ("'5'", "5"),
        ('"0x76"', "0x76"),
        ("!!str 5", "5"),
        ("=", "="),
        ("0x", "0x"),
        ("9" * 400, math.inf),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, meaning: object, *, is_pure: bool) -> None:
    assert value_of(f"key: {text}\n", is_pure=is_pure) == {"key": meaning}


def test_not_a_number_is_a_float() -> None:
    assert repr(value_of(".nan")) == "nan"


def test_keys_are_text_whatever_they_look_like() -> None:
    assert value_of("1: a\nno: b\n~: c\n0x1: d\n") == {"1": "a", "no": "b", "~": "c", "0x1": "d"}


def test_every_node_knows_its_place() -> None:
    root = parse("a:\n  - b: 1\n", FILE, Report())
    assert isinstance(root, MapNode)
    items = root.entries["a"].node
    assert isinstance(items, ListNode)
    (item,) = items.items
    assert isinstance(item, MapNode)
    inner = item.entries["b"]
    assert str(inner.place) == "f.yaml:2:5"
    assert str(inner.node.place) == "f.yaml:2:8"


def test_aliases_stand_for_what_they_name() -> None:
    assert value_of("a: &x {b: 1}\nc: *x\n") == {"a": {"b": 1}, "c": {"b": 1}}


def test_aliases_are_counted_by_what_they_stand_for() -> None:
    anchor = f"a: &x [{', '.join('1' * 99)}]\n"
    aliases = [f"b{number}: *x\n" for number in range(MAX_ALIASED // 100 + 1)]
    report = Report()
    assert parse(anchor + "".join(aliases[:-1]), FILE, report) is not None
    assert parse(anchor + "".join(aliases), FILE, report) is None
    assert "more than 1,000 values" in str(report.faults[0])


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "a: &a [*a, "])
@pytest.mark.parametrize("is_pure", [False, True])
def test_depth_is_bounded_before_anything_overflows(opening: str, *, is_pure: bool) -> None:
    report = Report()
    assert parse(opening * 5_000, FILE, report, is_pure=is_pure) is None
    assert len(report.faults) >= 1


@given(
    text=st.text(st.sampled_from("ab:- \n\t[]{}'\"&*!|>%@`#?,.0123${}\x85\u2028\ufeff~=<"), max_size=60),
    is_pure=st.booleans(),
)
def test_any_text_gives_nodes_or_faults(text: str, *, is_pure: bool) -> None:
    report = Report()
    node = parse(text, FILE, report, is_pure=is_pure)
    assert (node is None) <= (report.faults != [])
    for fault in report.faults:
        assert "\n" not in str(fault)
        assert fault.line >= 1
        assert fault.column >= 1
