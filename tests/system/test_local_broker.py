"""The ports that a local broker is given."""

from __future__ import annotations

import random

from sensor_gateway.service.demonstration.local_broker import free_port


def test_ports_differ_although_every_test_begins_with_the_same_seed() -> None:
    ports = []
    for _ in range(3):
        random.seed(1)
        ports.append(free_port())
    assert len(set(ports)) > 1, "two suites at once would take each other's port again and again"
