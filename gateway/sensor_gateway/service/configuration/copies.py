"""Copies of a configuration's files, from which it can be read again when the files themselves no longer can.

Secrets are not copied: what ``password_file`` names stays where it is, and a password that stands in the file itself
is left out. Neither is what comes with the program, nor the environment.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.config.device_files.shelf import SHIPPED
from sensor_gateway.config.loading import Loaded
from sensor_gateway.config.values.secret import Secret

_VERSION: Final = 1
_NOTHING: Final = "~"
"""What YAML calls null: as if the password were not written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """``parts`` are the configuration file and its conf.d, in the order of reading; device files are in ``texts`` too.

    All paths are absolute.
    """

    parts: tuple[Path, ...]
    texts: Mapping[Path, str]

    def packed(self) -> bytes:
        """As bytes that tell when they were damaged."""
        content = json.dumps(
            {
                "version": _VERSION,
                "parts": [str(part) for part in self.parts],
                "texts": {str(file): text for file, text in self.texts.items()},
            },
            indent=1,
        ).encode()
        return hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def unpacked(data: bytes) -> Copies | None:
    """What ``packed`` gave; None where it is damaged, or of another version."""
    digest, _, content = data.partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != digest:
        return None
    found = json.loads(content)  # it was written by us, and is whole
    if found["version"] != _VERSION:
        return None
    return Copies(
        parts=tuple(map(Path, found["parts"])), texts={Path(file): text for file, text in found["texts"].items()}
    )


def copies_of(loaded: Loaded) -> Copies | None:
    """The copies of what was loaded without a fault; None where a secret cannot be told from what is around it."""
    texts = {file: text for file, text in loaded.texts.items() if SHIPPED not in file.parents}
    mqtt = None if loaded.configuration is None else loaded.configuration.mqtt
    if mqtt is not None and mqtt.password is not None and mqtt.password.place is not None:
        bare = _without(mqtt.password, texts)
        if bare is None:
            return None
        texts[mqtt.password.place.file] = bare
    parts = [file for file in loaded.files if file in texts and file not in loaded.devices]
    return Copies(parts=_absolute(parts), texts={file.absolute(): text for file, text in texts.items()})


def _absolute(files: Sequence[Path]) -> tuple[Path, ...]:
    return tuple(file.absolute() for file in files)


def _without(secret: Secret, texts: Mapping[Path, str]) -> str | None:
    """The text of the secret's file without it; None where it is not written there letter by letter."""
    place, value = secret.place, secret.reveal()
    if place is None or place.file not in texts:
        return None
    lines = texts[place.file].split("\n")
    line = lines[place.line - 1]
    before, rest = line[: place.column - 1], line[place.column - 1 :]
    for written in (f"'{value}'", f'"{value}"', value):
        if rest.startswith(written):
            lines[place.line - 1] = f"{before}{_NOTHING}{rest[len(written) :]}"
            return "\n".join(lines)
    return None
