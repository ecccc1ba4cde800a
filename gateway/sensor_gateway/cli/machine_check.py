"""Whether this machine has what a configuration asks of it: its buses, and its broker. Nothing is measured or sent."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sensor_gateway.config.sections.broker import MqttSection
from sensor_gateway.config.settings import Configuration
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import GatewayError
from sensor_gateway.publishing.subscriber import BrokerUnreachable, Subscriber
from sensor_gateway.publishing.wire.dialing import dial
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.buses import make_bus
from sensor_gateway.service.plans import broker_settings, sensor_plans

_IN_USE: Final = (errno.EAGAIN, errno.EBUSY)
"""By the daemon, most likely: then the bus is there, and may be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Something that is not as the configuration wants it: the key that asks for it, and what to do."""

    path: str
    message: str

    def __str__(self) -> str:
        """One line for the operator."""
        return f"{self.path}: {self.message}"


def lacks(configuration: Configuration, catalogue: DriverCatalogue, clock: Clock) -> Iterator[Lack]:
    """Open each bus that a sensor uses, and connect to the broker; what is lacking, as it is found."""
    plans = sensor_plans(configuration, catalogue)
    for name, section in configuration.buses.items():
        sensors = [plan for plan in plans if configuration.sensors[plan.name].bus == name]
        if not sensors:
            continue
        bus = make_bus(name, section, sensors, clock)
        try:
            bus.open()
        except GatewayError as error:
            cause = error.__cause__
            if not (isinstance(cause, OSError) and cause.errno in _IN_USE):
                yield Lack(path=f"buses.{name}", message=str(error))
        finally:
            bus.close()
    if configuration.mqtt is not None:
        yield from _broker_lacks(configuration.mqtt)


def _broker_lacks(mqtt: MqttSection) -> Iterator[Lack]:
    broker = broker_settings(mqtt, client_id="")
    subscriber = Subscriber(broker, [f"{mqtt.topic_prefix}/+/status"], lambda _topic, _payload: None, dial=dial)
    try:
        subscriber.connect()
    except BrokerUnreachable as error:
        yield Lack(path="mqtt.url", message=error.why)
    finally:
        subscriber.close()
