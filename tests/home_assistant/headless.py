"""Home Assistant without a face, as a process that answers: it has the MQTT integration alone, and opens no port.

Runs under a Python that has Home Assistant (see install.sh), as ``headless.py FOLDER PORT PREFIX``. A line on standard
input asks for a line of JSON: ``look`` for all entities, devices and complaints so far, ``birth`` for that after saying
what it says when it starts, ``judge FILE`` for what is wrong with the ``mqtt:`` section in a file. ``stop`` ends it.
"""

import asyncio
import inspect
import json
import logging
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Any

import voluptuous as vol
import yaml
from homeassistant import bootstrap, core, loader
from homeassistant.components import mqtt
from homeassistant.components.mqtt import binary_sensor, sensor
from homeassistant.config_entries import ConfigEntries, ConfigEntry
from homeassistant.helpers import device_registry, entity_registry

PLATFORMS = {"sensor": sensor, "binary_sensor": binary_sensor}


class Complaints(logging.Handler):
    """Everything that Home Assistant says at WARNING or above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        self.lines.append(f"{record.levelname} {record.name}: {text}")


def entry(port: int, prefix: str) -> ConfigEntry:
    wanted: dict[str, Any] = {
        "version": 1,
        "minor_version": 1,
        "domain": "mqtt",
        "title": "mqtt",
        "data": {"broker": "127.0.0.1", "port": port, "discovery": True, "discovery_prefix": prefix},
        "source": "user",
        "unique_id": None,
        "options": {},
        "discovery_keys": MappingProxyType({}),
        "subentries_data": None,
    }
    known = inspect.signature(ConfigEntry.__init__).parameters
    return ConfigEntry(**{name: value for name, value in wanted.items() if name in known})


async def begin(folder: Path, port: int, prefix: str) -> core.HomeAssistant:
    (folder / "configuration.yaml").write_text("{}\n")
    hass = core.HomeAssistant(str(folder))
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    for name in ("http", "file_upload"):
        hass.config.components.add(name)
    hass.set_state(core.CoreState.running)
    await hass.config_entries.async_add(entry(port, prefix))
    return hass


def seen(hass: core.HomeAssistant, complaints: Complaints) -> dict[str, Any]:
    entities = entity_registry.async_get(hass).entities.values()
    devices = device_registry.async_get(hass).devices.values()
    names = {device.id: sorted(value for _, value in device.identifiers) for device in devices}
    states = {state.entity_id: state for state in hass.states.async_all()}
    return {
        "entities": {
            entity.unique_id: {
                "id": entity.entity_id,
                "platform": entity.domain,
                "name": states[entity.entity_id].name if entity.entity_id in states else None,
                "state": states[entity.entity_id].state if entity.entity_id in states else None,
                "since_s": states[entity.entity_id].last_updated.timestamp() if entity.entity_id in states else None,
                "attributes": json.loads(json.dumps(dict(states[entity.entity_id].attributes), default=str))
                if entity.entity_id in states
                else {},
                "category": entity.entity_category,
                "device": names.get(entity.device_id, []),
            }
            for entity in entities
        },
        "devices": {
            ",".join(names[device.id]): {
                "name": device.name,
                "model": device.model,
                "version": device.sw_version,
                "area": device.suggested_area,
                "via": names.get(device.via_device_id, []),
            }
            for device in devices
        },
        "complaints": complaints.lines,
    }


def judged(file: Path) -> str:
    """What Home Assistant says to a section of its own configuration; nothing where it takes it."""
    written = yaml.safe_load(file.read_text())
    try:
        mqtt.CONFIG_SCHEMA(written)
        for platform, entities in written["mqtt"].items():
            for entity in entities:
                PLATFORMS[platform].PLATFORM_SCHEMA_MODERN(entity)
    except vol.Invalid as error:
        return str(error)
    return ""


async def answer(folder: Path, port: int, prefix: str, complaints: Complaints) -> None:
    hass = await begin(folder, port, prefix)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while (line := await reader.readline()) and line.strip() != b"stop":
        if line.strip() == b"birth":
            await mqtt.async_publish(hass, "homeassistant/status", "online")
        word, _, file = line.decode().strip().partition(" ")
        found = {"said": judged(Path(file))} if word == "judge" else seen(hass, complaints)
        sys.stdout.write(json.dumps(found, default=str) + "\n")
        sys.stdout.flush()
    await hass.async_stop(force=True)


def main() -> None:
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    folder, port, prefix = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    asyncio.run(answer(folder, port, prefix, complaints))


main()
