"""The ``metrics:`` section: read, and what is right on its own and hardly meant."""

from __future__ import annotations

import ipaddress

from sensor_gateway.config.sections.metrics import MetricsSection
from sensor_gateway.config.settings import Configuration
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import MapNode, Node, joined, shortened
from sensor_gateway.config.values.decoder import fields_of
from sensor_gateway.config.values.readers import INVALID


def read_metrics(node: Node, path: str, report: Report) -> object:
    """The section; None where it is turned off, INVALID beside faults. A warning where other machines may read it."""
    section = fields_of(Configuration)["metrics"].read(node, path, report)
    if not isinstance(section, MetricsSection) or not isinstance(node, MapNode) or "host" not in node.entries:
        return section
    place, path = node.entries["host"].node.place, joined(path, "host")
    try:
        address = ipaddress.ip_address(section.host)
    except ValueError:
        hint = "; did you mean 127.0.0.1?" if section.host.lower().startswith("localhost") else ""
        message = f"`{shortened(section.host)}` is no address of this machine; expected one such as 127.0.0.1"
        report.fault(place, path, f"{message}, since a name would have to be looked up{hint}")
        return INVALID
    if not address.is_loopback:
        message = (
            f"every machine that reaches {section.host} may read how this gateway is, unencrypted; write 127.0.0.1 "
            "where Prometheus runs here, else let a firewall pass the one that asks (docs/security.md)"
        )
        report.warning(place, path, message)
    return section
