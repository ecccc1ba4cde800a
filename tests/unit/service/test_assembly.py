"""How the rooms are joined."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from proving.logs import Quiet

from sensor_gateway.config.loading import Startable
from sensor_gateway.config.sections.broker import MqttSection
from sensor_gateway.config.settings import Configuration, OutboxSection
from sensor_gateway.config.values.broker_url import BrokerUrl
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Quality, Reason
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.assembly import assemble
from sensor_gateway.service.directories import Directories, HotNote, noted_hot
from sensor_gateway.service.system_clock import SystemClock


def test_a_sync_that_has_answered_wakes_the_publisher(tmp_path: Path) -> None:
    """So that the outbox need not ask again and again while a worn card takes its time."""
    clock = SystemClock()
    url = BrokerUrl(host="localhost", port=1883, is_tls=False)
    gateway = assemble(
        Startable(configuration=Configuration(mqtt=MqttSection(url=url), outbox=OutboxSection(durability="always"))),
        DriverCatalogue(),
        directories=Directories(state=tmp_path, hot=None),
        environ={},
        clock=clock,
        log=Quiet(),
    )
    channel = Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=85, resolution=0.01)
    event = ChangeEvent(
        source=Source(sensor="attic", channel=channel),
        value=1.0,
        quality=Quality.GOOD,
        reason=Reason.CHANGE,
        code=None,
        stamp=clock.stamp(),
    )
    poll, bell = gateway.publisher._poll, gateway.publisher._bell
    assert bell is not None
    if poll.poll(0):
        bell.heard()
    gateway.outbox.append([event])
    gateway.outbox.tend()
    assert [descriptor for descriptor, _ in poll.poll(10.0)] == [bell.fileno()]
    assert noted_hot(tmp_path) == HotNote(directory=None)
    gateway.close(to_flash=False)


def test_a_gateway_with_real_buses_loads_no_chip_of_the_simulation() -> None:
    """They are 70 modules and 2 MB, which nobody wants in a small computer's memory for nothing."""
    code = "import sys, sensor_gateway.service.assembly; print('sensor_gateway.simulation.models' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
