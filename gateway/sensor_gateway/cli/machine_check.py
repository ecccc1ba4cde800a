"""Whether this machine has what a configuration asks of it: its buses, and its broker. Nothing is measured or sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sensor_gateway.config.settings import Configuration
from sensor_gateway.model.clock import Clock
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.doctor.doors.broker import look_at_broker
from sensor_gateway.service.doctor.doors.opening import opened, used_buses
from sensor_gateway.service.doctor.judges.broker import exposed
from sensor_gateway.service.plans import broker_settings, sensor_plans
from sensor_gateway.service.recovery.program import missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Something that is not as the configuration wants it: the key that asks for it, and what to do."""

    path: str
    message: str

    def __str__(self) -> str:
        """One line for the operator."""
        return f"{self.path}: {self.message}"


def lacks(configuration: Configuration, catalogue: DriverCatalogue, clock: Clock, unseen: str = "") -> Iterator[Lack]:
    """Open each bus that a sensor uses, and connect to the broker; what is lacking, as it is found.

    ``unseen`` says why the password could not be read, if so: then the broker is left alone, which would refuse us.
    """
    for used in used_buses(configuration, sensor_plans(configuration, catalogue)):
        recover = used.section.recover
        if recover is not None and (reason := missing(recover.command[0])):
            yield Lack(path=f"buses.{used.name}.recover.command", message=reason)
        with opened(used, clock) as opening:
            if opening.bus is None and not opening.is_used:
                yield Lack(path=f"buses.{used.name}", message=opening.why)
    mqtt = configuration.mqtt
    if unseen:
        yield Lack(path="mqtt.password_file", message=unseen)
    elif mqtt is not None:
        facts = look_at_broker(broker_settings(mqtt, client_id=""), f"{mqtt.topic_prefix}/+/status")
        if facts.why:
            yield Lack(path="mqtt.url", message=facts.why)
        if facts.exposed_key is not None:
            remedy = f"; expected it to be private: chmod o-rwx {facts.exposed_key}"
            yield Lack(path="mqtt.tls", message=exposed(facts.exposed_key) + remedy)
