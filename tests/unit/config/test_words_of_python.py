"""A key that is a word of Python stands behind a field that cannot be called so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest

from sensor_gateway.config.loading import Loaded, load_text
from sensor_gateway.config.schema import json_schema
from sensor_gateway.config.show import show
from sensor_gateway.config.values.notation import attribute_of, key_of
from sensor_gateway.model.channel import Channel
from sensor_gateway.model.driver_spec import BusKind, DriverSpec, Variant
from sensor_gateway.model.quantity import TEMPERATURE

T = Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=85, resolution=0.01, deadband=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    class_: Annotated[str, "What it is."]
    trailing_: int = 1

    def __post_init__(self) -> None:
        if self.class_ == "wrong":
            raise ValueError("class is wrong")


SPEC = DriverSpec(
    name="thing",
    summary="A thing",
    bus=BusKind.I2C,
    variants={"thing": Variant(addresses=(0x40,), channels=(T,))},
    create=lambda *_: None,  # type: ignore[arg-type, return-value]
    replay=lambda _: {},
    vectors=(),
    options=Options,
)


class Things:
    def names(self) -> tuple[str, ...]:
        return ("thing",)

    def spec(self, _name: str) -> DriverSpec:
        return SPEC


def loaded(options: str) -> Loaded:
    text = f"sensors:\n  it: {{driver: thing, bus: i2c1, {options}}}\n"
    return load_text(text, catalogue=Things(), environ={}, needs_broker=False)


def test_it_is_written_without_the_underscore_and_shown_so() -> None:
    configuration = loaded("class: a.B").configuration
    assert configuration is not None
    assert configuration.sensors["it"].options == Options(class_="a.B")
    assert "    class: a.B\n" in show(configuration)
    assert '"class"' in str(json_schema(Things())).replace("'", '"')


@pytest.mark.parametrize(
    ("options", "path"), [("class: wrong", "sensors.it.class"), ("class_: a.B", "sensors.it.class_")]
)
def test_what_is_wrong_with_it_is_told_by_the_key(options: str, path: str) -> None:
    assert path in [fault.path for fault in loaded(options).faults]


def test_no_other_name_loses_an_underscore() -> None:
    assert [key_of(name) for name in ("class_", "from_", "trailing_", "plain")] == [
        "class",
        "from",
        "trailing_",
        "plain",
    ]
    assert [attribute_of(key) for key in ("class", "trailing_", "plain")] == ["class_", "trailing_", "plain"]
