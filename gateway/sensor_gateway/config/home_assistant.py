"""The ``home_assistant:`` section, and what it needs of others."""

from __future__ import annotations

from sensor_gateway.config.settings import Configuration, HomeAssistantSection, MqttSection
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import Node
from sensor_gateway.config.values.decoder import fields_of


def read_home_assistant(node: Node, path: str, report: Report, mqtt: object) -> object:
    """The section; None where it is turned off, INVALID beside faults. ``mqtt``: that section, if it is whole.

    Home Assistant shows what the state topics hold: without them every value there would be unknown for ever.
    """
    section = fields_of(Configuration)["home_assistant"].read(node, path, report)
    if isinstance(section, HomeAssistantSection) and isinstance(mqtt, MqttSection) and not mqtt.states:
        message = (
            "Home Assistant reads the state topics, and mqtt.states is false; expected mqtt.states: true, or false here"
        )
        report.fault(node.place, path, message)
    return section
