"""Judges the text of the configuration: every fault of it, and what is hardly meant."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from sensor_gateway.config.text.faults import Fault
from sensor_gateway.model.writing.figures import counted
from sensor_gateway.service.doctor.finding import Finding, advice, ok, wrong


def judge_configuration(
    file: Path, faults: Sequence[Fault], warnings: Sequence[Fault], sensors: int | None
) -> Iterator[Finding]:
    """``sensors``: how many there are; None where the configuration cannot be used at all."""
    again = f"sensor-gateway check-config --here {shlex.quote(str(file))}"
    for fault in faults:
        yield wrong("configuration", str(fault), again)
    for warning in warnings:
        yield advice("configuration", str(warning), again)
    if sensors == 0:
        yield advice("configuration", f"{file} has no sensors yet, so nothing is read", "sensor-gateway scan")
    elif not faults:
        yield ok("configuration", f"{file} is fine, {counted(sensors or 0, 'sensor')}")
