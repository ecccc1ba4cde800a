"""The example files, with the drivers that are shipped; and the JSON Schema beside them."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import jsonschema
import pytest

from sensor_gateway.config.loading import load, read_plain
from sensor_gateway.config.schema import schema_text
from sensor_gateway.config.show import show
from sensor_gateway.model.driver_spec import DriverSpec

FOLDER = Path(__file__).parents[3] / "config"
EXAMPLES = sorted(FOLDER.glob("*.yaml"))


class Shipped:
    """A catalogue of the drivers of this distribution."""

    def __init__(self) -> None:
        points = entry_points(group="sensor_gateway.drivers")
        self._points: dict[str, EntryPoint] = {
            point.name: point for point in points if point.value.startswith(("sensor_drivers.", "sensor_gateway."))
        }

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._points))

    def spec(self, name: str) -> DriverSpec:
        spec = self._points[name].load()
        assert isinstance(spec, DriverSpec)
        return spec


@pytest.fixture(scope="module")
def shipped() -> Shipped:
    return Shipped()


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads((FOLDER / "schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_examples_are_there() -> None:
    assert {file.name for file in EXAMPLES} >= {
        "minimal.yaml",
        "full.yaml",
        "modbus.yaml",
        "line.yaml",
        "simulated.yaml",
    }


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_is_right_and_shows_itself_as_the_same(
    file: Path, shipped: Shipped, validator: jsonschema.Draft202012Validator, tmp_path: Path
) -> None:
    loaded = load(file, catalogue=shipped, environ={})
    assert [str(fault) for fault in (*loaded.faults, *loaded.warnings)] == []
    assert loaded.configuration is not None
    assert list(validator.iter_errors(read_plain(file)[0])) == []
    shown = tmp_path / "shown.yaml"
    shown.write_text(show(loaded.configuration), "utf-8")
    assert load(shown, catalogue=shipped, environ={}).configuration == loaded.configuration
    assert list(validator.iter_errors(read_plain(shown)[0])) == []


def test_the_schema_beside_the_examples_is_up_to_date(shipped: Shipped) -> None:
    """If not: sensor-gateway config schema > config/schema.json."""
    assert (FOLDER / "schema.json").read_text("utf-8") == schema_text(shipped)
