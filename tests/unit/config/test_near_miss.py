from __future__ import annotations

from dataclasses import fields

import pytest

from sensor_gateway.config import settings
from sensor_gateway.config.sections import broker, buses
from sensor_gateway.config.values.filter_steps import FILTERS
from sensor_gateway.config.values.foreign_words import ELSEWHERE, FOREIGN, FOREIGN_FILTERS, LATER
from sensor_gateway.config.values.near_miss import (
    chip_meant_by,
    listed,
    meant_by,
    unknown_key,
)

OURS = {
    field.name
    for page in (settings, broker, buses)
    for section in vars(page).values()
    if isinstance(section, type) and hasattr(section, "__dataclass_fields__")
    for field in fields(section)
} | {"quantity", "function", "order", "type"}


def test_every_foreign_word_points_to_a_key_that_exists() -> None:
    assert {ours for meant in FOREIGN.values() for ours in meant} <= OURS
    assert set(FOREIGN_FILTERS.values()) <= set(FILTERS)


def test_no_word_has_two_meanings() -> None:
    assert not FOREIGN.keys() & ELSEWHERE.keys()
    assert not FOREIGN.keys() & LATER
    assert not LATER & OURS


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("platform", "driver"),
        ("update_interval", "interval"),
        ("scan_interval", "interval"),
        ("friendly_name", "label"),
        ("Intervall", "interval"),
        ("addres", "address"),
        ("chanels", "channels"),
        ("hart-beat", "heartbeat"),
    ],
)
def test_words_of_neighbours_and_typing_errors_are_understood_in_a_sensor(word: str, ours: str) -> None:
    keys = [field.name for field in fields(settings.SensorSection)]
    assert meant_by(word, keys) == ours


def test_a_neighbours_word_counts_only_where_ours_exists() -> None:
    assert meant_by("server", ["url", "username"]) == "url"
    assert meant_by("server", ["driver", "bus"]) is None


def test_a_word_like_nothing_gets_the_list() -> None:
    assert unknown_key("xyzzy", ["a1", "b1"], None) == "unknown key `xyzzy`; expected one of a1, b1"
    assert unknown_key("xyzzy", [], None) == "unknown key `xyzzy`; expected nothing here; remove it"


def test_long_lists_are_cut() -> None:
    assert listed(map(str, range(30)), most=3) == "0, 1, 2 and 27 more"


@pytest.mark.parametrize(
    ("word", "ours"),
    [("bme860", "bme680"), ("BME-680", "bme680"), ("bme480", None), ("bmp580", None), ("mbe280", "bme280")],
)
def test_a_chip_is_meant_by_its_own_digits_in_any_order(word: str, ours: str | None) -> None:
    assert chip_meant_by(word, ["bme280", "bmp280", "bme680"]) == ours
