"""From a configuration, and from what was published before, to what Home Assistant is told and what is taken back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from proving.logs import Journal

from sensor_gateway.config.loading import load_text
from sensor_gateway.config.settings import Configuration
from sensor_gateway.model.health import UnreadSensor
from sensor_gateway.model.units import Seconds
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.publishing.delivery import PublishingPlan
from sensor_gateway.publishing.discovery.documents import Document
from sensor_gateway.publishing.messages import Program
from sensor_gateway.publishing.meta import published_channels
from sensor_gateway.publishing.settings import BrokerSettings, StreamSettings
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.plans import labels_of, sensor_plans
from sensor_gateway.service.retained.home_assistant import discovery_documents, told_anew, with_discovery
from sensor_gateway.service.retained.topics import RetainedTopics

MACHINE = Machine(boot_id="", hardware_id="serial-1")
HEAD = "mqtt: {url: mqtt://h}\ngateway: {id: house}\n"
ATTIC = "sensors:\n  attic: {driver: sht40, bus: i2c1}\n"
BENCH = "  bench: {driver: bh1750, bus: i2c1}\n"


def configured(text: str) -> Configuration:
    loaded = load_text(HEAD + text, catalogue=DriverCatalogue(), environ={})
    assert loaded.configuration is not None, loaded.faults
    return loaded.configuration


@dataclass(frozen=True)
class Told:
    documents: tuple[Document, ...]
    unread: tuple[UnreadSensor, ...]


def unread(name: str) -> UnreadSensor:
    return UnreadSensor(name=name, driver="tc74", interval_s=Seconds(1.0), label="", place="f:1:1", reason="broken")


def planned(text: str, state: Path, *broken: str, is_confirmed: bool = False) -> PublishingPlan:
    """The plan of a life; ``broken`` are sensors that its file has too, and whose drivers cannot be used.

    ``is_confirmed``: the broker has taken back what the life wanted, and the main thread has had a turn after that.
    """
    configuration = configured(text)
    plans = sensor_plans(configuration, DriverCatalogue())
    plain = PublishingPlan(
        broker=BrokerSettings(host="h", port=1883, client_id="c"),
        stream=StreamSettings(gateway="house"),
        program=Program(instance="i", version="0.1.0"),
        boot="1b4e28ba",
        sensors=(*(plan.name for plan in plans), *broken),
        channels=published_channels(plans),
        meta=b"{}",
        gap_json=lambda _gap: b"",
    )
    documents = discovery_documents(configuration, plans, plain.topics, labels_of(configuration))
    told = Told(documents, tuple(map(unread, broken)))
    retained = RetainedTopics(state, MACHINE, Journal())
    plan = with_discovery(plain, configuration.home_assistant, told, retained)
    if is_confirmed:
        plan.remember_topics(plan.settlement.wanted)
        retained.turn()
    return plan


def test_it_is_off_unless_it_is_turned_on(tmp_path: Path) -> None:
    plan = planned(ATTIC, tmp_path)
    assert plan.discovery == ()
    assert plan.birth is None
    assert not plan.settlement.cleared


def test_turned_on_it_announces_each_device_and_listens_for_the_birth(tmp_path: Path) -> None:
    plan = planned("home_assistant: {birth_topic: ha/birth}\n" + ATTIC + BENCH, tmp_path)
    assert [message.topic for message in plan.discovery] == [
        "homeassistant/device/house/gateway/config",
        "homeassistant/device/house/sensor_attic/config",
        "homeassistant/device/house/sensor_bench/config",
    ]
    assert plan.birth is not None
    assert plan.birth.topics == ("ha/birth",)


def test_what_is_published_is_remembered_before_it_is_published(tmp_path: Path) -> None:
    """A life that is killed at once has told the next one all the same."""
    planned("home_assistant: true\n" + ATTIC + BENCH, tmp_path)
    plan = planned(ATTIC, tmp_path)
    assert plan.settlement.cleared == (
        "homeassistant/device/house/sensor_bench/config",
        "homeassistant/device/house/sensor_attic/config",
        "homeassistant/device/house/gateway/config",
        "sensors/v1/house/state/bench/illuminance",
        "sensors/v1/house/availability/bench",
    )
    assert planned(ATTIC, tmp_path).settlement.cleared == plan.settlement.cleared, "until it has been confirmed"
    planned(ATTIC, tmp_path, is_confirmed=True)
    assert planned(ATTIC, tmp_path).settlement.cleared == ()


def test_a_channel_that_left_is_reduced_to_its_platform_until_that_is_confirmed(tmp_path: Path) -> None:
    planned("home_assistant: true\n" + ATTIC, tmp_path)
    less = "home_assistant: true\n" + ATTIC.replace("i2c1}", "i2c1, channels: {humidity: {publish: false}}}")
    plan = planned(less, tmp_path, is_confirmed=True)
    assert json.loads(plan.discovery[1].payload)["cmps"]["state.humidity"] == {"p": "sensor"}
    assert plan.settlement.cleared == ("sensors/v1/house/state/attic/humidity",)
    assert "state.humidity" not in json.loads(planned(less, tmp_path).discovery[1].payload)["cmps"]


@pytest.mark.parametrize("form", ["device", "single"])
def test_a_sensor_whose_driver_is_broken_stays_a_device(tmp_path: Path, form: str) -> None:
    """With its control: one of a name that begins in the same way, and that was taken out, does not."""
    head = f"home_assistant: {{form: {form}}}\n"
    bench_2 = BENCH.replace("bench", "bench-2").replace("i2c1", "i2c3")
    planned(head + ATTIC + BENCH + bench_2, tmp_path, is_confirmed=True)
    plan = planned(head + ATTIC, tmp_path, "bench", is_confirmed=True)
    assert not any("/sensor_bench/" in topic or "/sensor_bench_" in topic for topic in plan.settlement.cleared)
    assert any("sensor_bench-2" in topic for topic in plan.settlement.cleared)
    assert "sensors/v1/house/state/bench/illuminance" in plan.settlement.cleared, "of its value nothing is known"
    assert "sensors/v1/house/availability/bench" not in plan.settlement.cleared
    assert not any("sensor_bench" in message.topic for message in plan.discovery)
    mended = planned(head + ATTIC + BENCH, tmp_path)
    assert mended.settlement.cleared == mended.settlement.moved == ()
    assert any("sensor_bench" in message.topic for message in mended.discovery)


def test_a_sensor_whose_driver_is_broken_leaves_with_home_assistant_and_with_the_file(tmp_path: Path) -> None:
    topic = "homeassistant/device/house/sensor_bench/config"
    head = "home_assistant: true\n" + ATTIC
    planned(head + BENCH, tmp_path)
    assert topic not in planned(head, tmp_path, "bench").settlement.cleared
    assert topic in planned(ATTIC, tmp_path, "bench").settlement.cleared
    assert topic in planned(head, tmp_path).settlement.cleared


def test_a_health_topic_that_is_turned_off_is_taken_back(tmp_path: Path) -> None:
    plan = planned(ATTIC, tmp_path)
    on, off = replace(plan, health_interval_s=60.0), replace(plan, health_interval_s=None)
    nothing = Told((), ())
    remembered = told_anew(on, nothing, {}).settlement.wanted
    assert told_anew(on, nothing, remembered).settlement.cleared == ()
    assert told_anew(off, nothing, remembered).settlement.cleared == ("sensors/v1/house/health",)
