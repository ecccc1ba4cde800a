"""What the commands say of a real I2C bus, on which one chip belongs to the kernel, one is missing, and one is new."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from emulated.bench import Bench
from emulated.bridge import NODE
from emulated.chips import Chip, configuration
from emulated.making.ready import CHIPS
from emulated.service import Service
from emulated.waiting import wait_for, wait_for_fresh
from proving.kills.broker import Broker

OURS, NEW = CHIPS[:2], "0x23"
KERNELS = Chip(name="tmp102", address=0x49, module="tmp102", kernel_name="tmp102")
MISSING = Chip(name="bmp280", address=0x77)


@pytest.fixture
def service(bench: Bench, broker: Broker) -> Service:
    bench.bind(KERNELS)
    bus = f"  wire: {{type: i2c, path: {NODE}}}"
    text = configuration((*OURS, KERNELS, MISSING), bus, "defaults: {interval: 1s}", broker=broker.door.port)
    return Service(bench.machine, text)


def said(bench: Bench, command: str) -> tuple[str, int]:
    """All that a command writes, and its exit code."""
    text, _, code = bench.machine.run(f"({command}) 2>&1; echo =$?").rpartition("=")
    return text, int(code)


def by_address(text: str) -> Mapping[str, str]:
    """The lines of a scan."""
    return dict(re.findall(r"^  (0x[0-9a-f]{2})  (.*)$", text, re.MULTILINE))


@pytest.mark.timeout(3600)
def test_a_scan_tells_each_chip_and_leaves_alone_what_the_kernel_owns(bench: Bench, service: Service) -> None:
    text, code = said(bench, "sensor-gateway scan")
    chips = by_address(text)
    assert "BME280 (bme280)" in chips["0x76"]
    assert "SHT4x, serial number" in chips["0x45"]
    assert chips[NEW].startswith("may be bh1750")
    assert "not configured" in chips[NEW]
    assert "owned by the kernel driver tmp102" in chips["0x49"]
    assert "is missing" in chips["0x77"]
    assert set(chips) == {"0x76", "0x45", NEW, "0x49", "0x77"}
    assert code == 1, "a sensor is missing"
    assert "CP2112" in text
    assert "SMBus only" in text, "of the board's own adapter"
    proposed, _ = said(bench, f"sensor-gateway scan --yaml i2c{bench.bus}")
    assert f"driver: bh1750, bus: wire, address: {NEW}" in proposed


@pytest.mark.timeout(3600)
def test_who_may_not_open_the_bus_is_told_the_group(bench: Bench) -> None:
    text, code = said(bench, f"runuser -u nobody -- sensor-gateway scan i2c{bench.bus}")
    assert "usermod -aG i2c" in text
    assert code == 77


@pytest.mark.timeout(3600)
def test_the_running_service_is_told_by_status_doctor_and_scan(bench: Bench, broker: Broker, service: Service) -> None:
    service.start()
    wait_for_fresh(broker)
    wait_for(lambda: "offline" in states(bench).get(MISSING.id, {}).get("state", ""))
    sensors = states(bench)
    assert {sensors[chip.id]["state"] for chip in OURS} == {"online"}
    assert "kernel driver tmp102 owns address 0x49" in sensors[KERNELS.id]["reason"]
    text, code = said(bench, "sensor-gateway status --check")
    assert text.startswith("degraded: 2 of 4 sensors not online")
    assert code == 1
    text, _ = said(bench, "sensor-gateway doctor")
    assert re.search(rf"ok +buses\.wire: {NODE} is used by process \d+ \(sensor-gateway\)", text)
    assert re.search(r"ok +service: the service is active", text)
    assert re.search(r"ok +broker:", text)
    text, code = said(bench, "sensor-gateway scan")
    assert "is used by process" in text
    assert code == 75


def states(bench: Bench) -> Mapping[str, Mapping[str, Any]]:
    """What the status says of each sensor."""
    told: dict[str, Any] = json.loads(said(bench, "sensor-gateway status --json")[0])
    return told["sensors"]  # type: ignore[no-any-return]
