"""Reads the configuration as the service would, whose credentials systemd hands over, as far as this user may."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from sensor_gateway.config.loading import load
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.configuration.reading import Reading, judged

_CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
_DIRECTORY: Final = "credentials"


def read_configuration(file: Path, environ: Mapping[str, str]) -> tuple[Reading, str]:
    """What is in it; and why a part of it could not be seen, empty where all was.

    Where the service's credentials may not be read, the password is left out.
    """
    if file.exists() and not os.access(file, os.R_OK):
        reading = _read(file, environ, with_secrets=False)
        return replace(reading, faults=()), f"{file} may not be read"
    directory = file.parent / _DIRECTORY
    if _CREDENTIALS not in environ and directory.is_dir():
        if os.access(directory, os.R_OK | os.X_OK):
            environ = {**environ, _CREDENTIALS: str(directory)}
        else:
            return _without_password(file, environ, directory)
    reading = _read(file, environ, with_secrets=True)
    barred = _barred_secret(file, environ, reading)
    return (reading, "") if barred is None else _without_password(file, environ, barred)


def _without_password(file: Path, environ: Mapping[str, str], barred: Path) -> tuple[Reading, str]:
    reading = _read(file, environ, with_secrets=False)
    mqtt = None if reading.configuration is None else reading.configuration.mqtt
    has_password = mqtt is not None and mqtt.password_file is not None
    return reading, f"{barred} may not be read: the broker was not asked to let us in" if has_password else ""


def _barred_secret(file: Path, environ: Mapping[str, str], reading: Reading) -> Path | None:
    """The password's file, where it stands beside the configuration and only its mode keeps us out."""
    if not any(fault.path == "mqtt.password_file" for fault in reading.faults):
        return None
    configuration = _read(file, environ, with_secrets=False).configuration
    mqtt = None if configuration is None else configuration.mqtt
    if mqtt is None or mqtt.password_file is None:
        return None
    secret = file.parent / mqtt.password_file.name
    return secret if secret.exists() and not os.access(secret, os.R_OK) else None


def _read(file: Path, environ: Mapping[str, str], *, with_secrets: bool) -> Reading:
    catalogue = DriverCatalogue()
    loaded = load(file, catalogue=catalogue, environ=environ)
    return judged(loaded, catalogue, environ=environ if with_secrets else None)
