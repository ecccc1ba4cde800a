"""The ``home_assistant:`` section, and what it needs of others."""

from __future__ import annotations

from sensor_gateway.config.sections.broker import HomeAssistantSection, MqttSection
from sensor_gateway.config.settings import Configuration
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import Node
from sensor_gateway.config.values.decoder import fields_of


def read_home_assistant(node: Node, path: str, report: Report, mqtt: object) -> object:
    """The section; None where it is turned off, INVALID beside faults. ``mqtt``: that section, if it is whole.

    Home Assistant shows what the state topics hold: without them, or with numbers alone, every value there would be
    unknown for ever.
    """
    section = fields_of(Configuration)["home_assistant"].read(node, path, report)
    if isinstance(section, HomeAssistantSection) and isinstance(mqtt, MqttSection):
        if not mqtt.states:
            _needs(node, path, report, found="states is false", wanted="states: true")
        if mqtt.payload != "json":
            _needs(node, path, report, found=f"payload is {mqtt.payload}", wanted="payload: json")
    return section


def _needs(node: Node, path: str, report: Report, *, found: str, wanted: str) -> None:
    what = "the state topics" if wanted.startswith("states") else "events on the state topics"
    message = f"Home Assistant reads {what}, and mqtt.{found}; expected mqtt.{wanted}, or false here"
    report.fault(node.place, path, message)
