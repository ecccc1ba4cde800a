"""Reading the configuration as at a start: the file, conf.d, device files, scenarios, secrets and drivers, all anew.

What Python has imported stays as it is: a driver that is new is found, one whose code changed is not.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sensor_gateway.config.credentials import resolve_secrets
from sensor_gateway.config.loading import Loaded, Startable, load, load_copies
from sensor_gateway.config.settings import Configuration
from sensor_gateway.config.text.faults import Fault
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.configuration.copies import Copies, copies_of
from sensor_gateway.service.scenarios import scenario_faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What came of reading: a configuration exactly where there are no faults, with the drivers that it was read by.

    ``startable`` is there too where drivers that cannot be used are all that is wrong.
    ``copies`` is what could be read again later; None where there are faults, or a secret stands in a file in a way
    that it cannot be left out.
    """

    configuration: Configuration | None
    startable: Startable | None
    catalogue: DriverCatalogue
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    copies: Copies | None


class ConfigurationSource:
    """The configuration in one file, and all that it names."""

    def __init__(self, file: Path, environ: Mapping[str, str]) -> None:
        """Nothing is read yet. ``environ``: for ``${NAME}`` and for the service's credentials."""
        self.file = file
        self._environ = environ

    def read(self) -> Reading:
        """As it is now."""
        importlib.invalidate_caches()
        catalogue = DriverCatalogue()
        loaded = load(self.file, catalogue=catalogue, environ=self._environ)
        return judged(loaded, catalogue, environ=self._environ)

    def read_copies(self, copies: Copies) -> Reading:
        """As it was when the copies were made. Secrets, drivers and scenarios are those of today."""
        catalogue = DriverCatalogue()
        loaded = load_copies(copies.parts, copies.texts, catalogue=catalogue, environ=self._environ)
        return judged(loaded, catalogue, environ=self._environ)


def judged(loaded: Loaded, catalogue: DriverCatalogue, *, environ: Mapping[str, str] | None) -> Reading:
    """What was loaded, with its scenarios checked, and its secrets read where ``environ`` is given."""
    startable, faults = loaded.startable, loaded.faults
    copies: Copies | None = None
    if startable is not None:
        copies = None if faults else copies_of(loaded)
        more = scenario_faults(startable.configuration, [sensor.name for sensor in startable.unread])
        if environ is not None:
            configuration, secret = resolve_secrets(startable.configuration, environ=environ)
            startable, more = replace(startable, configuration=configuration), more + secret
        faults += more
        startable = None if more else startable
    return Reading(
        configuration=None if faults or startable is None else startable.configuration,
        startable=startable,
        catalogue=catalogue,
        faults=faults,
        warnings=loaded.warnings,
        copies=None if faults else copies,
    )
