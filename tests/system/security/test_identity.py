"""Two gateways that are taken for one: the same client id, a copied card, a copied directory."""

from __future__ import annotations

import json
import os
import shutil
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from proving.kills.broker import Broker
from proving.kills.gateway import GatewayProcess, house_config

pytestmark = [pytest.mark.system]

Wait = Callable[..., None]
STATUS = "sensors/v1/house/status"

OTHER_HARDWARE = """
import dataclasses, os
from sensor_gateway.service import assembly

sound = assembly.read_machine
assembly.read_machine = lambda environ: dataclasses.replace(sound(environ), hardware_id=os.environ["HARDWARE"])
"""


class Machine:
    """A machine with a card in it: its own boot, hardware and memory; the card may be a copy."""

    def __init__(self, folder: Path, name: str, port: int, *, hardware: str, more: str = "") -> None:
        self.folder = folder / name
        self.folder.mkdir()
        config = house_config(port, sensors=1, interval="100ms")
        if more:
            config = config.replace("retry_max: 1s", f"retry_max: 1s, {more}")
        self.gateway = GatewayProcess(self.folder, config, change=OTHER_HARDWARE)
        self._environ = {"HARDWARE": hardware, "SENSOR_GATEWAY_BOOT_ID": f"{zlib.crc32(name.encode()):08x}" * 4}

    def start(self) -> None:
        os.environ.update(self._environ)
        self.gateway.start()
        for key in self._environ:
            os.environ.pop(key)

    def copy_card(self, of: Machine) -> None:
        """What is on flash; what is in memory stays on the other machine."""
        shutil.copytree(of.gateway.state, self.gateway.state)

    def named(self, event: str) -> list[dict[str, Any]]:
        return [entry for entry in self.gateway.entries() if entry["event"] == event]

    def started_as(self, wait_until: Wait) -> tuple[str, str]:
        """Client id and epoch."""
        wait_until(lambda: self.named("gateway_started"))
        facts = self.named("gateway_started")[-1]
        return facts["client_id"], facts["epoch"]


@pytest.fixture
def machines(tmp_path: Path, broker: Broker) -> Any:
    made: list[Machine] = []

    def make(name: str, *, hardware: str, more: str = "") -> Machine:
        made.append(Machine(tmp_path, name, broker.door.port, hardware=hardware, more=more))
        return made[-1]

    yield make
    for each in made:
        if each.gateway.is_running:
            each.gateway.kill()


def contents(events: list[dict[str, Any]]) -> dict[str, set[str]]:
    """What each id names: sensor, channel, value, boot and uptime are fixed by it."""
    found: dict[str, set[str]] = {}
    for event in events:
        fixed = {key: event.get(key) for key in ("type", "sensor", "channel", "value", "boot", "uptime_ms", "previous")}
        found.setdefault(event["id"], set()).add(json.dumps(fixed))
    return found


def of_two(events: list[dict[str, Any]]) -> list[str]:
    return [name for name, meant in contents(events).items() if len(meant) > 1]


def test_the_check_for_ids_with_two_meanings_can_fail() -> None:
    events = [{"id": "a", "type": "value", "value": 1.0}, {"id": "a", "type": "value", "value": 2.0}]
    assert of_two(events) == ["a"]
    assert of_two(events[:1] * 2) == []


def test_a_copied_card_on_other_hardware_is_another_client_with_an_epoch_of_its_own(
    broker: Broker, machines: Any, wait_until: Wait
) -> None:
    """Both run at once, on the one broker, with the one gateway id that came along with the card."""
    broker.start()
    first = machines("first", hardware="pi-1")
    first.start()
    wait_until(lambda: len(broker.heard) > 20)
    first.gateway.terminate()
    second = machines("second", hardware="pi-2")
    second.copy_card(first)
    first.start()
    second.start()
    one, other = first.started_as(wait_until), second.started_as(wait_until)
    assert one[0] != other[0], "each has a client id of its own"
    assert one[1] != other[1], "each has an epoch of its own"
    heard = len(broker.heard)
    wait_until(lambda: len(broker.heard) > heard + 40)
    wait_until(lambda: first.named("gateway_id_taken") and second.named("gateway_id_taken"))
    second.gateway.terminate()
    wait_until(lambda: b"online" in broker.retained[STATUS])
    first.gateway.terminate()
    for machine in (first, second):
        assert machine.named("client_id_taken") == []
        (told,) = machine.named("gateway_id_taken")
        assert "calls itself house too" in told["why"]
        assert "give each its own gateway.id" in told["why"]
    broker.settle()
    assert b"offline" in broker.retained[STATUS]
    assert of_two(broker.heard) == []
    assert {event["epoch"] for event in broker.heard} >= {one[1], other[1]}


def test_a_copied_card_on_hardware_that_looks_the_same_names_no_event_twice_and_the_dispute_is_told(
    broker: Broker, machines: Any, wait_until: Wait
) -> None:
    """Virtual machines and some boards have no serial of their own: the client id is the same, and is fought for."""
    broker.start()
    first = machines("first", hardware="same")
    first.start()
    wait_until(lambda: len(broker.heard) > 20)
    first.gateway.terminate()
    second = machines("second", hardware="same")
    second.copy_card(first)
    first.start()
    second.start()
    one, other = first.started_as(wait_until), second.started_as(wait_until)
    assert one[0] == other[0]
    assert one[1] != other[1], "each has an epoch of its own all the same"
    wait_until(lambda: first.named("client_id_taken") or second.named("client_id_taken"), 60)
    for machine in (first, second):
        machine.gateway.kill()
    broker.settle()
    assert of_two(broker.heard) == []
    (told,) = [*first.named("client_id_taken"), *second.named("client_id_taken")][:1]
    assert one[0] in told["why"]
    assert "a copied state directory brings its id along" in told["why"]


def test_a_directory_that_moved_back_and_forth_names_no_event_twice(
    broker: Broker, machines: Any, wait_until: Wait
) -> None:
    broker.start()
    first, second = machines("first", hardware="pi-1"), machines("second", hardware="pi-2")
    card: Machine = first
    for machine in (first, second, first, second):
        if machine is not card:
            shutil.rmtree(machine.gateway.state, ignore_errors=True)
            shutil.copytree(card.gateway.state, machine.gateway.state)
            card = machine
        machine.start()
        heard = len(broker.heard)
        wait_until(lambda heard=heard: len(broker.heard) > heard + 10)
        machine.gateway.kill()
    broker.settle()
    assert of_two(broker.heard) == []
    epochs = list(dict.fromkeys(event["epoch"] for event in broker.heard))
    assert epochs == sorted(epochs)
    assert len(epochs) == 4


def test_two_gateways_with_one_client_id_are_told_once_each_at_most_and_do_not_hammer(
    broker: Broker, machines: Any, wait_until: Wait
) -> None:
    broker.start()
    pair = [machines(name, hardware=name, more="client_id: twin") for name in ("first", "second")]
    for machine in pair:
        machine.gateway.config.write_text(machine.gateway.config.read_text().replace("retry_max: 1s", "retry_max: 6s"))
        machine.start()
    wait_until(lambda: any(machine.named("client_id_taken") for machine in pair), 60)
    time.sleep(25)
    for machine in pair:
        machine.gateway.kill()
    assert max(len(machine.named("client_id_taken")) for machine in pair) == 1
    disputing = [index for index, machine in enumerate(pair) if machine.named("client_id_taken")]
    for index in disputing:
        events = [entry["event"] for entry in pair[index].gateway.entries()]
        since = events[events.index("client_id_taken") :]
        assert since.count("broker_connected") <= 1, "what is known is not told again with each try"
    (told,) = pair[disputing[0]].named("client_id_taken")
    assert "another client uses our client id twin" in told["why"]
    assert "mqtt.client_id" in told["why"]


def test_a_gateway_that_was_killed_and_comes_back_is_no_rival_of_its_own(
    broker: Broker, machines: Any, wait_until: Wait
) -> None:
    """Its last life is on the status topic, retained and perhaps as a late will."""
    broker.start()
    machine = machines("first", hardware="pi-1")
    for life in range(1, 4):
        machine.start()
        wait_until(lambda life=life: len(machine.named("broker_connected")) == life)
        heard = len(broker.heard)
        wait_until(lambda heard=heard: len(broker.heard) > heard + 5)
        machine.gateway.kill()
    assert machine.named("gateway_id_taken") == []


def test_a_second_instance_on_the_same_state_ends_with_75_and_names_the_first(
    broker: Broker, machines: Any, wait_until: Wait
) -> None:
    broker.start()
    first = machines("first", hardware="pi-1")
    first.start()
    wait_until(lambda: len(broker.heard) > 5)
    process = first.gateway.process
    first.start()
    assert first.gateway.process.wait(20) == 75
    said = first.gateway.log.read_text()
    assert f"is in use by process {process.pid}: stop that one first" in said
    first.gateway.process = process
    heard = len(broker.heard)
    wait_until(lambda: len(broker.heard) > heard + 5)
    assert first.gateway.terminate()[0] == 0
