"""Opening secrets: the only place where a configuration's password is read from where it is kept.

Apart from loading, so that the text of a configuration can be checked where its secrets are not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sensor_gateway.config.settings import Configuration
from sensor_gateway.config.text.faults import Fault
from sensor_gateway.config.values.secret import Secret, SecretFile

_MAX_SIZE: Final = 65_536
_OTHERS: Final = 0o007
_ANYBODY_ELSE: Final = 0o077


def resolve_secrets(
    configuration: Configuration, *, environ: Mapping[str, str]
) -> tuple[Configuration, tuple[Fault, ...]]:
    """The configuration with ``mqtt.password`` read from where ``password_file`` says, and faults where it cannot be.

    A name is looked for among the service's credentials ($CREDENTIALS_DIRECTORY: ``secret_NAME``, then ``NAME``),
    then as a file beside the configuration file, which nobody else may read.
    """
    mqtt = configuration.mqtt
    if mqtt is None:
        return configuration, ()
    if mqtt.password is not None:
        return configuration, _inline_faults(mqtt.password)
    if mqtt.password_file is None:
        return configuration, ()
    found = _opened(mqtt.password_file, environ)
    if isinstance(found, Fault):
        return configuration, (found,)
    return dataclasses.replace(configuration, mqtt=dataclasses.replace(mqtt, password=found)), ()


def _inline_faults(password: Secret) -> tuple[Fault, ...]:
    if password.place is None:
        return ()
    file = password.place.file
    try:
        mode = file.stat().st_mode
    except OSError:
        return ()
    if not mode & _OTHERS:
        return ()
    message = f"everybody on this machine can read this password; expected `password_file:`, or chmod o-rwx {file}"
    return (Fault.at(password.place, "mqtt.password", message),)


def _opened(secret: SecretFile, environ: Mapping[str, str]) -> Secret | Fault:
    def fault(message: str) -> Fault:
        return Fault.at(secret.place, "mqtt.password_file", message)

    credential = _credential(secret.name, environ.get("CREDENTIALS_DIRECTORY"))
    file = credential or secret.place.file.parent / secret.name
    try:
        mode = file.stat().st_mode
        with file.open("rb") as source:
            content = source.read(_MAX_SIZE + 1)
    except FileNotFoundError:
        return fault(f"there is no {file}; expected the password in it: install -m 600 /dev/stdin {file}")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return fault(f"{file} cannot be read: {reason}")
    if credential is None and mode & _ANYBODY_ELSE:
        return fault(f"others can read {file}; expected it to be private: chmod 600 {file}")
    try:
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        return fault(f"{file} is not text in UTF-8")
    if not text or len(content) > _MAX_SIZE:
        return fault(f"{file} is {'too large' if text else 'empty'}; expected the password in it, and nothing else")
    return Secret(text)


def _credential(name: str, directory: str | None) -> Path | None:
    if not directory or "/" in name:
        return None
    candidates = (Path(directory) / f"secret_{name}", Path(directory) / name)
    return next((file for file in candidates if file.is_file()), None)
