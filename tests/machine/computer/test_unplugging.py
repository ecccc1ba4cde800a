"""Adapters on USB that come and go under the service: through the kernel, the real udev and the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from emulated.bench import Bench
from emulated.bridge import NODE, SECOND, replug
from emulated.chips import configuration
from emulated.making.ready import CHIPS
from emulated.service import Service
from emulated.subscriber import Event
from emulated.usb_line import BY_ID, UsbLine
from emulated.waiting import wait_for, wait_for_fresh
from proving.kills.broker import Broker

NORMAL = "defaults: {interval: 1s, heartbeat: 5s}\noutbox: {keep_free: 0MB}"
BUSES = f"  wire: {{type: i2c, path: {NODE}}}\n  line: {{type: serial, port: {BY_ID}, baudrate: 9600}}"
TANK = "  tank: {driver: line, bus: line, format: json, fields: {temperature: {quantity: temperature}}}\n"


@pytest.fixture
def service(bench: Bench, broker: Broker) -> Service:
    text = configuration(CHIPS, BUSES, NORMAL, broker=broker.door.port)
    return Service(bench.machine, text + TANK)


@pytest.fixture
def line(bench: Bench) -> Iterator[UsbLine]:
    line = UsbLine(bench.machine, bench.machine.directory, '{"temperature": 21.5}')
    yield line
    line.end()


def news(broker: Broker, sensor: str) -> list[Event]:
    """What was said of a sensor, but for heartbeats."""
    return [event for event in broker.heard if event.get("sensor") == sensor and event["reason"] != "heartbeat"]


def wait_for_news(broker: Broker, sensor: str, reason: str) -> Event:
    wait_for(lambda: any(event["reason"] == reason for event in news(broker, sensor)))
    return next(event for event in news(broker, sensor) if event["reason"] == reason)


def told(service: Service, bus: str) -> list[str]:
    """What the log says of a bus, in its order; but for the alarm, which comes when a bus is away for longer."""
    events = [str(record["EVENT"]) for record in service.journal(f"BUS={bus}")]
    return [event for event in events if event not in {"bus_silent", "bus_heard_again"}]


@pytest.mark.timeout(3600)
def test_an_adapter_that_was_never_there_before_is_read_when_it_is_plugged_in_and_again_after_it_was_pulled(
    bench: Bench, broker: Broker, service: Service, line: UsbLine
) -> None:
    """The kernel has no driver for it loaded when the service starts, nor a name for devices of its kind."""
    service.start()
    wait_for_news(broker, "tank", "fault")
    node = line.plug()
    assert wait_for_news(broker, "tank", "recovery")["value"] == 21.5
    assert bench.machine.run("readlink -f /dev/sensor-gateway/usb-*").strip() == node, "the name of our own rule"
    broker.take()
    line.unplug()
    assert wait_for_news(broker, "tank", "fault")["code"] == "missing"
    line.says = '{"temperature": 4.25}'
    line.plug()
    assert wait_for_news(broker, "tank", "recovery")["value"] == 4.25
    assert service.restarts() == 0
    assert told(service, "line") == ["bus_missing", "bus_opened", "bus_missing", "bus_opened"]


@pytest.mark.timeout(3600)
def test_an_i2c_adapter_that_is_pulled_out_and_comes_back_is_read_again(
    bench: Bench, broker: Broker, service: Service
) -> None:
    service.start()
    wait_for_fresh(broker)
    bench.unplug()
    wait_for(lambda: all(any(e["reason"] == "fault" for e in news(broker, chip.id)) for chip in CHIPS))
    replug(bench.machine)
    for chip in CHIPS:
        wait_for_news(broker, chip.id, "recovery")
    assert service.restarts() == 0
    assert told(service, "wire") == ["bus_missing", "bus_opened"]


@pytest.mark.timeout(3600)
def test_an_i2c_adapter_that_comes_back_before_anybody_noticed_is_read_under_its_new_number(
    bench: Bench, broker: Broker, service: Service
) -> None:
    service.start()
    wait_for_fresh(broker)
    before = bench.bus
    service.signal("STOP")
    bench.unplug()
    after = replug(bench.machine, SECOND)
    broker.take()
    service.signal("CONT")
    for chip in CHIPS:
        wait_for(lambda of=chip.id: any(e.get("sensor") == of and e["quality"] == "good" for e in broker.heard))
    assert after != before
    assert service.restarts() == 0
    assert told(service, "wire") == ["bus_missing", "bus_opened"]


@pytest.mark.timeout(3600)
def test_a_kind_of_device_that_the_unit_does_not_allow_is_told_with_the_line_that_allows_it(
    bench: Bench, broker: Broker
) -> None:
    """Everybody may open the node, so that it is the sandbox alone that refuses."""
    bench.machine.run("chmod 666 /dev/vcs")
    buses = "  line: {type: serial, port: /dev/vcs}"
    service = Service(bench.machine, configuration((), buses, NORMAL, broker=broker.door.port) + TANK)
    service.start()
    wait_for_news(broker, "tank", "fault")
    assert "DeviceAllow=char-vcs rw" in reason(service)
    service.stop()
    service.drop_in("DeviceAllow=char-vcs rw")
    broker.take()
    service.start()
    wait_for(lambda: told(service, "line") == ["bus_missing", "bus_missing"])
    assert "DeviceAllow" not in reason(service), "it is allowed, and no serial port"


def reason(service: Service) -> str:
    """Of the newest fault of the line."""
    *_, newest = (record for record in service.journal("BUS=line") if record["EVENT"] == "bus_missing")
    return str(newest["REASON"])
