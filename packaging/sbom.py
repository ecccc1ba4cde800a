"""Writes the bill of materials of what is installed here: CycloneDX 1.6, in JSON, to standard output.

From the metadata of the installed distribution and of all that it requires at run time; what only developing needs is
not in it. The same installation gives the same bytes. ``python packaging/sbom.py > sbom.cdx.json``
"""  # noqa: INP001 - a script

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PRODUCT: Final = "sensor-gateway"
LOCK: Final = Path(__file__).resolve().parents[1] / "requirements-dev.txt"

_LOCKED: Final = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)((?: \\\n\s+--hash=sha256:[0-9a-f]{64})+)", re.MULTILINE)
_BY_CLASSIFIER: Final = {
    "License :: OSI Approved :: MIT License": {"id": "MIT"},
    "License :: OSI Approved :: BSD License": {"name": "BSD License"},
    "License :: OSI Approved :: Apache Software License": {"id": "Apache-2.0"},
}
_NAMESPACE: Final = uuid.UUID("7f0f6a0e-5f5a-4b7e-9a54-2f2d0c9f6f6b")


def bill(product: str = PRODUCT, lock: str = "") -> dict[str, Any]:
    """The bill of a distribution. ``lock``: the text of a requirements file with hashes."""
    hashes = _hashes(lock)
    needed = {canonicalize_name(known.name): known for known in _closure(distribution(product))}
    whole = needed.pop(canonicalize_name(product))
    found: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "component": {"type": "application", **_component(whole, hashes)},
        },
        "components": [{"type": "library", **_component(needed[name], hashes)} for name in sorted(needed)],
        "dependencies": [
            {"ref": _purl(known), "dependsOn": sorted(_purl(other) for other in _required(known))}
            for known in (whole, *(needed[name] for name in sorted(needed)))
        ],
    }
    content = json.dumps(found, sort_keys=True)
    return {**found, "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, content)}"}


def _closure(root: Distribution) -> Iterator[Distribution]:
    waiting, seen = [root], set()
    while waiting:
        known = waiting.pop()
        if canonicalize_name(known.name) not in seen:
            seen.add(canonicalize_name(known.name))
            waiting += _required(known)
            yield known


def _required(known: Distribution) -> list[Distribution]:
    """What it needs at run time here, without extras. PackageNotFoundError where that is not installed."""
    wanted = [Requirement(text) for text in known.requires or ()]
    return [distribution(one.name) for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]


def _component(known: Distribution, hashes: Mapping[tuple[str, str], list[str]]) -> dict[str, Any]:
    name = canonicalize_name(known.name)
    component: dict[str, Any] = {
        "bom-ref": _purl(known),
        "name": known.name,
        "version": known.version,
        "description": known.metadata.get("Summary") or "",
        "licenses": _licences(known),
        "purl": _purl(known),
    }
    files = hashes.get((name, known.version))
    if files:
        component["externalReferences"] = [
            {
                "type": "distribution",
                "url": f"https://pypi.org/project/{name}/{known.version}/",
                "comment": "SHA-256 of the files of this release, of which one is installed",
                "hashes": [{"alg": "SHA-256", "content": file} for file in files],
            }
        ]
    return component


def _licences(known: Distribution) -> list[dict[str, Any]]:
    expression = known.metadata.get("License-Expression")
    if expression:
        return [{"expression": expression}]
    classifiers = known.metadata.get_all("Classifier") or []
    named = [_BY_CLASSIFIER[one] for one in classifiers if one in _BY_CLASSIFIER]
    return [{"license": one} for one in named or [{"name": known.metadata.get("License") or "not declared"}]]


def _purl(known: Distribution) -> str:
    return f"pkg:pypi/{canonicalize_name(known.name)}@{known.version}"


def _hashes(lock: str) -> dict[tuple[str, str], list[str]]:
    return {
        (canonicalize_name(name), version): re.findall(r"sha256:([0-9a-f]{64})", lines)
        for name, version, lines in _LOCKED.findall(lock)
    }


if __name__ == "__main__":
    json.dump(bill(lock=LOCK.read_text("utf-8")), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
