"""What a configuration comes to: the values that the rooms are built with. Two of them can be compared.

Marks of files stand beside it, since what a file holds may change while the configuration that names it does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from sensor_gateway.config.loading import Startable
from sensor_gateway.config.sections.buses import BusSection, SimulatedBusSection
from sensor_gateway.config.sections.metrics import MetricsSection
from sensor_gateway.config.settings import Configuration
from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.model.errors import OperatorError
from sensor_gateway.model.health import UnreadSensor
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.publishing.discovery.documents import Document
from sensor_gateway.publishing.messages import Topics
from sensor_gateway.publishing.meta import Labels
from sensor_gateway.publishing.settings import BrokerSettings, StreamSettings
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.service.plans import broker_settings, labels_of, outbox_settings, sensor_plans, stream_settings
from sensor_gateway.service.retained.home_assistant import discovery_documents

_USED: Final = frozenset({"gateway", "mqtt", "clock", "outbox", "buses", "defaults", "sensors", "metrics"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMark:
    """Which file it was, as far as a look from outside tells. All zero where there was none."""

    path: Path
    node: int = 0
    size: int = 0
    modified_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BusSetup:
    """One bus and the sensors on it, in the order of the file. ``scenario`` is that of a bus in software."""

    section: BusSection
    sensors: tuple[SensorPlan, ...]
    scenario: FileMark | None = None

    @property
    def is_talking(self) -> bool:
        """Whether its devices talk by themselves."""
        return any(plan.spec.bus is BusKind.SERIAL_STREAM for plan in self.sensors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Everything that a running gateway is made of. ``buses`` are those that have sensors.

    ``hot_directory`` is the one that the file names, None where it names none. ``tls_files`` are the certificates and
    keys that the connection is made with. ``others`` are what nothing here is made of, by their keys: it
    is read at a start only.
    """

    gateway: str
    hot_directory: Path | None
    outbox: OutboxSettings
    broker: BrokerSettings
    tls_files: tuple[FileMark, ...]
    stream: StreamSettings
    clock_source: str
    slack_s: float
    health_interval_s: float | None
    metrics: MetricsSection | None
    labels: Labels
    documents: tuple[Document, ...]
    sensors: tuple[SensorPlan, ...]
    unread: tuple[UnreadSensor, ...]
    buses: Mapping[str, BusSetup]
    others: Mapping[str, object]

    @property
    def names(self) -> tuple[str, ...]:
        """All sensors that are configured, those too whose driver cannot be used."""
        return (*(plan.name for plan in self.sensors), *(sensor.name for sensor in self.unread))


def setup_of(startable: Startable, catalogue: DriverCatalogue, *, gateway: str, own_client_id: str) -> Setup:
    """What a configuration comes to, for the gateway of this id. OperatorError where it names no broker.

    ``own_client_id`` is used where the file names none.
    """
    configuration = startable.configuration
    mqtt = configuration.mqtt
    if mqtt is None:
        raise OperatorError("the configuration names no broker")
    plans = sensor_plans(configuration, catalogue)
    stream, labels = stream_settings(configuration, mqtt, gateway=gateway), labels_of(configuration)
    topics = Topics(prefix=stream.topic_prefix, gateway=gateway)
    broker = broker_settings(mqtt, client_id=mqtt.client_id or own_client_id)
    return Setup(
        gateway=gateway,
        hot_directory=configuration.outbox.hot_directory,
        outbox=outbox_settings(configuration.outbox),
        broker=broker,
        tls_files=_tls_marks(broker),
        stream=stream,
        clock_source=configuration.clock.source,
        slack_s=configuration.gateway.slack,
        health_interval_s=configuration.gateway.health_interval,
        metrics=configuration.metrics,
        labels=labels,
        documents=discovery_documents(configuration, plans, topics, labels),
        sensors=plans,
        unread=startable.unread,
        buses=_buses(configuration, plans),
        others={
            field.name: getattr(configuration, field.name) for field in fields(configuration) if field.name not in _USED
        },
    )


def _buses(configuration: Configuration, plans: Sequence[SensorPlan]) -> dict[str, BusSetup]:
    """Those that have sensors."""
    buses = {
        name: BusSetup(
            section=section,
            sensors=tuple(plan for plan in plans if configuration.sensors[plan.name].bus == name),
            scenario=_scenario_mark(section),
        )
        for name, section in configuration.buses.items()
    }
    return {name: bus for name, bus in buses.items() if bus.sensors}


def _tls_marks(broker: BrokerSettings) -> tuple[FileMark, ...]:
    tls = broker.tls
    return () if tls is None else _marks((tls.ca_file, tls.certificate_file, tls.key_file))


def _scenario_mark(section: BusSection) -> FileMark | None:
    file = section.scenario if isinstance(section, SimulatedBusSection) else None
    return next(iter(_marks([file])), None)


def _marks(files: Iterable[Path | None]) -> tuple[FileMark, ...]:
    return tuple(_mark(file) for file in files if file is not None)


def _mark(file: Path) -> FileMark:
    try:
        found = file.stat()
    except OSError:
        return FileMark(path=file)
    return FileMark(path=file, node=found.st_ino, size=found.st_size, modified_ns=found.st_mtime_ns)
