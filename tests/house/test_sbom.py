"""The bill of materials names everything that is needed at run time, and is valid CycloneDX."""

from __future__ import annotations

import copy
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "packaging" / "sbom.py"


@pytest.fixture(scope="module")
def text() -> str:
    return subprocess.run([sys.executable, SCRIPT], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def bill(text: str) -> dict[str, Any]:
    return json.loads(text)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def schema() -> Draft7Validator:
    """The standard's own schema, and those that it refers to, as the library of the standard's authors carries them."""
    found = importlib.util.find_spec("cyclonedx")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "schema" / "_res"
    known = {file.name: json.loads(file.read_text("utf-8")) for file in folder.glob("*.schema.json")}
    whole = {**known["bom-1.6.SNAPSHOT.schema.json"], "$id": "bom"}  # it refers to the others by the names of files
    resources = [(name, Resource.from_contents(one, DRAFT7)) for name, one in known.items()]
    return Draft7Validator(whole, registry=Registry().with_resources(resources))


def names(bill: dict[str, Any]) -> set[str]:
    return {component["purl"].partition("@")[0].removeprefix("pkg:pypi/") for component in bill["components"]}


def requirements() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in project["dependencies"]}
    assert len(found) >= 6
    return found


def test_the_bill_is_valid_by_the_standards_own_schema(schema: Draft7Validator, bill: dict[str, Any]) -> None:
    assert [error.message for error in schema.iter_errors(bill)] == []


def test_a_bill_that_is_not_valid_is_found(schema: Draft7Validator, bill: dict[str, Any]) -> None:
    """The control: a word of the standard, a name, a licence, a hash, a key that it does not know."""
    for breaks in (
        lambda one: one.update(bomFormat="something else"),
        lambda one: one["components"][0].pop("name"),
        lambda one: one["components"][0].update(licenses=[{"license": {"id": "No Such Licence"}}]),
        lambda one: one["components"][0]["externalReferences"][0]["hashes"][0].update(content="short"),
        lambda one: one.update(further=1),
    ):
        broken = copy.deepcopy(bill)
        breaks(broken)
        assert not schema.is_valid(broken)


def test_every_requirement_is_in_it_and_nothing_that_only_developing_needs(bill: dict[str, Any]) -> None:
    assert requirements() <= names(bill)
    assert not names(bill) & {"pytest", "ruff", "mypy", "hypothesis", "cyclonedx-python-lib", "hatchling"}


def test_versions_licences_and_hashes_are_known(bill: dict[str, Any]) -> None:
    assert bill["metadata"]["component"]["version"] == version("sensor-gateway")
    for component in bill["components"]:
        assert component["version"] == version(component["name"])
        assert component["licenses"]
        assert "not declared" not in json.dumps(component["licenses"])
        (reference,) = component["externalReferences"]
        assert all(re.fullmatch("[0-9a-f]{64}", one["content"]) for one in reference["hashes"])
        assert reference["hashes"]


def test_who_needs_whom_is_complete(bill: dict[str, Any]) -> None:
    known = {row["ref"]: row["dependsOn"] for row in bill["dependencies"]}
    refs = {bill["metadata"]["component"]["bom-ref"], *(component["bom-ref"] for component in bill["components"])}
    assert set(known) == refs
    assert {one for row in known.values() for one in row} == refs - {bill["metadata"]["component"]["bom-ref"]}


def test_the_same_installation_gives_the_same_bytes(text: str) -> None:
    assert subprocess.run([sys.executable, SCRIPT], check=True, capture_output=True, text=True).stdout == text
