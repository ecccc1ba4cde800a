"""docs/schemas is made by ``sensor-gateway schemas docs/schemas``; the AsyncAPI document is one by its own schema.

The official schema is not ours to keep. To judge by it::

    npm pack @asyncapi/specs@6.11.1 && tar xzf asyncapi-specs-6.11.1.tgz
    ASYNCAPI_SCHEMA=package/schemas/3.0.0.json .venv/bin/python -m pytest tests/house/test_schemas.py
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sensor_gateway.cli.main import main
from sensor_gateway.publishing.shapes.asyncapi import asyncapi_document

KEPT = Path(__file__).resolve().parents[2] / "docs" / "schemas"
OFFICIAL = os.environ.get("ASYNCAPI_SCHEMA", "")


def test_the_schemas_in_the_repository_are_those_of_the_code(tmp_path: Path) -> None:
    assert main(["schemas", str(tmp_path)]) == 0
    made = {file.name: file.read_text("utf-8") for file in tmp_path.iterdir()}
    kept = {file.name: file.read_text("utf-8") for file in KEPT.iterdir()}
    assert made == kept, "sensor-gateway schemas docs/schemas writes them anew"


def test_the_command_prints_the_document_and_takes_another_prefix(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schemas", "--prefix", "home/air"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["channels"]["status"]["address"] == "home/air/{gateway}/status"
    assert document["servers"]["broker"]["bindings"]["mqtt"]["lastWill"]["topic"] == "home/air/{gateway}/status"
    assert main(["schemas", "--prefix", "home/#"]) == 64
    assert "wildcard" in capsys.readouterr().err


def test_every_reference_leads_somewhere_and_every_parameter_is_told() -> None:
    document = asyncapi_document()

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if "$ref" in node:
                yield node["$ref"]
            for value in node.values():
                yield from references(value)
        if isinstance(node, list):
            for value in node:
                yield from references(value)

    found = list(references(document))
    assert len(found) > 10
    for reference in found:
        node: Any = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
    channels: Any = document["channels"]
    for channel in channels.values():
        assert set(channel["parameters"]) == {
            part[1:-1] for part in channel["address"].split("/") if part.startswith("{")
        }


@pytest.fixture(scope="module")
def official() -> Any:
    if not OFFICIAL:
        pytest.skip("ASYNCAPI_SCHEMA does not name the official schema; the top of this file says how to get it")
    schema = json.loads(Path(OFFICIAL).read_text("utf-8"))
    return jsonschema.Draft7Validator(schema)


def test_the_official_schema_takes_the_asyncapi_document(official: Any) -> None:
    assert [error.message for error in official.iter_errors(asyncapi_document())] == []


@pytest.mark.parametrize(
    "break_it",
    [
        lambda document: document["operations"]["publish_state"]["bindings"]["mqtt"].update(qos=3),
        lambda document: document["operations"]["publish_state"].update(action="shout"),
        lambda document: document["channels"]["state"].update(adress="x"),
        lambda document: document["servers"]["broker"].pop("protocol"),
        lambda document: document["components"]["messages"]["status"]["payload"].update(type="objct"),
        lambda document: document.update(asyncapi="9.9.9"),
    ],
)
def test_the_official_schema_finds_what_is_wrong(official: Any, break_it: Callable[[Any], None]) -> None:
    document = deepcopy(asyncapi_document())
    break_it(document)
    assert not official.is_valid(document)
