"""From a configuration, and from what was published before, to what Home Assistant is told and what is taken back."""

from __future__ import annotations

import json
from pathlib import Path

from proving.logs import Journal

from sensor_gateway.config.loading import load_text
from sensor_gateway.config.settings import Configuration
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.publishing.delivery import PublishingPlan
from sensor_gateway.publishing.messages import Program
from sensor_gateway.publishing.meta import published_channels
from sensor_gateway.publishing.settings import BrokerSettings, StreamSettings
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.plans import labels_of, sensor_plans
from sensor_gateway.service.retained.home_assistant import discovery_documents, with_discovery
from sensor_gateway.service.retained.topics import RetainedTopics

MACHINE = Machine(boot_id="", hardware_id="serial-1")
HEAD = "mqtt: {url: mqtt://h}\ngateway: {id: house}\n"
ATTIC = "sensors:\n  attic: {driver: sht40, bus: i2c1}\n"
BENCH = "  bench: {driver: bh1750, bus: i2c1}\n"


def configured(text: str) -> Configuration:
    loaded = load_text(HEAD + text, catalogue=DriverCatalogue(), environ={})
    assert loaded.configuration is not None, loaded.faults
    return loaded.configuration


def planned(text: str, state: Path) -> PublishingPlan:
    configuration = configured(text)
    plans = sensor_plans(configuration, DriverCatalogue())
    plain = PublishingPlan(
        broker=BrokerSettings(host="h", port=1883, client_id="c"),
        stream=StreamSettings(gateway="house"),
        program=Program(instance="i", version="0.1.0"),
        boot="1b4e28ba",
        sensors=tuple(plan.name for plan in plans),
        channels=published_channels(plans),
        meta=b"{}",
        gap_json=lambda _gap: b"",
    )
    told = discovery_documents(configuration, plans, plain.topics, labels_of(configuration))
    return with_discovery(plain, configuration.home_assistant, told, RetainedTopics(state, MACHINE, Journal()))


def test_it_is_off_unless_it_is_turned_on(tmp_path: Path) -> None:
    plan = planned(ATTIC, tmp_path)
    assert plan.discovery == ()
    assert plan.listeners == ()
    assert not plan.settlement.cleared


def test_turned_on_it_announces_each_device_and_listens_for_the_birth(tmp_path: Path) -> None:
    plan = planned("home_assistant: {birth_topic: ha/birth}\n" + ATTIC + BENCH, tmp_path)
    assert [message.topic for message in plan.discovery] == [
        "homeassistant/device/house/gateway/config",
        "homeassistant/device/house/sensor_attic/config",
        "homeassistant/device/house/sensor_bench/config",
    ]
    assert [listener.topics for listener in plan.listeners] == [("ha/birth",)]


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
    plan.keep_topics(plan.settlement.wanted)
    assert planned(ATTIC, tmp_path).settlement.cleared == ()


def test_a_channel_that_left_is_reduced_to_its_platform_until_that_is_confirmed(tmp_path: Path) -> None:
    planned("home_assistant: true\n" + ATTIC, tmp_path)
    less = "home_assistant: true\n" + ATTIC.replace("i2c1}", "i2c1, channels: {humidity: {publish: false}}}")
    plan = planned(less, tmp_path)
    assert json.loads(plan.discovery[1].payload)["cmps"]["state.humidity"] == {"p": "sensor"}
    assert plan.settlement.cleared == ("sensors/v1/house/state/attic/humidity",)
    plan.keep_topics(plan.settlement.wanted)
    assert "state.humidity" not in json.loads(planned(less, tmp_path).discovery[1].payload)["cmps"]
