"""What other sections ask of the broker, checked against what is said of it."""

from __future__ import annotations

from sensor_gateway.config.sections.broker import CommandsSection, MqttSection
from sensor_gateway.config.settings import OutboxSection
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import MapNode, joined


def check_hold(outbox: OutboxSection, table: MapNode, path: str, mqtt: MqttSection, report: Report) -> None:
    """Holding events for subscribers takes a protocol that tells of them. ``path`` is that of ``table``."""
    if outbox.hold_when_no_subscriber and mqtt.version == "3.1.1":
        key = "hold_when_no_subscriber"
        message = "this needs MQTT 5, and mqtt.version is 3.1.1; expected false, or mqtt.version: auto"
        report.fault(table.entries[key].node.place, joined(path, key), message)


def check_commands(commands: CommandsSection, table: MapNode, path: str, mqtt: MqttSection, report: Report) -> None:
    """Commands on a broker that anybody may use are hardly meant. ``path`` is that of ``table``."""
    if commands.allow and mqtt.username is None and (mqtt.tls is None or mqtt.tls.cert_file is None):
        message = (
            "commands are allowed, and the broker does not ask who this gateway is: it may not ask others either. Give "
            "it users and an access list (docs/commands.md), and this gateway a username"
        )
        report.warning(table.entries["allow"].node.place, joined(path, "allow"), message)
