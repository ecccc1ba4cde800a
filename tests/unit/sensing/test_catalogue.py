from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.model.driver_spec import BusKind, DriverSpec, Variant
from sensor_gateway.sensing.catalogue import DriverBroken, DriverCatalogue, DriverUnknown

Write = Callable[[str, str], EntryPoint]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a module of a third party and gives its entry point."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(module: str, text: str) -> EntryPoint:
        (tmp_path / f"{module}.py").write_text(text, "utf-8")
        monkeypatch.delitem(sys.modules, module, raising=False)
        return EntryPoint(name=module, value=f"{module}:SPEC", group="sensor_gateway.drivers")

    return write


GOOD = """
from sensor_gateway.driver import *
T = Channel(name="temperature", quantity=TEMPERATURE, low=0, high=1, resolution=1)
SPEC = DriverSpec(name="{0}", summary="", bus=BusKind.I2C, variants={{"{0}": Variant(channels=(T,))}},
                  create=lambda *_: None, replay=lambda _: {{}}, vectors=())
"""


def test_our_own_drivers_are_found_by_entry_points() -> None:
    catalogue = DriverCatalogue()
    assert {"bme280", "bmp280", "bh1750"} <= set(catalogue.names())
    assert catalogue.spec("bmp280") is catalogue.spec("bme280")
    assert catalogue.spec("bme280").name == "bme280"
    assert catalogue.origin("bme280").startswith("sensor-gateway ")


def test_a_name_that_nobody_offers_is_unknown() -> None:
    with pytest.raises(DriverUnknown, match="bme820"):
        DriverCatalogue([]).spec("bme820")


def test_a_driver_is_loaded_only_when_it_is_asked_for(written: Write) -> None:
    entries = [written("asked_for", GOOD.format("asked_for")), written("left_alone", "raise SystemExit(1)")]
    catalogue = DriverCatalogue(entries)
    assert catalogue.names() == ("asked_for", "left_alone")
    assert catalogue.spec("asked_for").bus is BusKind.I2C
    assert "left_alone" not in sys.modules


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("class Shy(Exception):\n    def __str__(self): raise ValueError\nraise Shy", "Shy"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("def broken(:", "SyntaxError"),
        ("OTHER = 1", "AttributeError"),
        ("SPEC = 42", "no DriverSpec, but 42"),
    ],
)
def test_a_driver_that_cannot_be_loaded_says_whose_it_is_and_why(written: Write, text: str, why: str) -> None:
    catalogue = DriverCatalogue([written("stranger", text)])
    for _ in range(2):
        with pytest.raises(DriverBroken) as raised:
            catalogue.spec("stranger")
        assert raised.value.origin == "stranger"
        assert why in str(raised.value)


def test_whoever_ends_the_program_while_a_driver_is_imported_ends_it(written: Write) -> None:
    """And nothing is kept of it: the next time the driver is loaded as ever."""
    text = """
from pathlib import Path
mark = Path(__file__).with_suffix(".interrupted")
if not mark.exists():
    mark.touch()
    raise KeyboardInterrupt
"""
    catalogue = DriverCatalogue([written("stranger", text + GOOD.format("stranger"))])
    with pytest.raises(KeyboardInterrupt):
        catalogue.spec("stranger")
    assert catalogue.spec("stranger").name == "stranger"


def variant(spec: DriverSpec, **changes: Any) -> dict[str, Any]:
    return {"stranger": replace(spec.variants["stranger"], **changes)}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda spec: replace(spec, contract=2), "version 2 of the driver contract"),
        (lambda spec: replace(spec, variants={"other": Variant()}), "no variant stranger, only other"),
        (lambda spec: replace(spec, bus="i2c"), "its bus 'i2c' is none of"),
        (lambda spec: replace(spec, options=dict), "options are no dataclass"),
        (lambda spec: replace(spec, create=None), "must be functions"),
        (lambda spec: replace(spec, variants=variant(spec, channels=())), "no channels"),
        (lambda spec: replace(spec, variants=variant(spec, channels=("t",))), "no Channel"),
        (lambda spec: replace(spec, variants={"stranger": 1}), "is no Variant"),
        (
            lambda spec: replace(spec, variants=variant(spec, channels=spec.variants["stranger"].channels * 2)),
            "two channels of one name",
        ),
        *(
            (
                lambda spec, name=name: replace(
                    spec, variants=variant(spec, channels=(replace(spec.variants["stranger"].channels[0], name=name),))
                ),
                "cannot stand in a topic",
            )
            for name in ("a/b", "+", "#", " ", "$SYS", "a\n", "T", "x" * 65, 7)
        ),
    ],
)
def test_a_driver_that_breaks_the_contract_is_refused(
    written: Write, monkeypatch: pytest.MonkeyPatch, change: Callable[[DriverSpec], DriverSpec], why: str
) -> None:
    entry = written("stranger", GOOD.format("stranger"))
    spec = DriverCatalogue([entry]).spec("stranger")
    monkeypatch.setattr(sys.modules["stranger"], "SPEC", change(spec))
    with pytest.raises(DriverBroken, match=why):
        DriverCatalogue([entry]).spec("stranger")
