"""What Home Assistant is told, judged by its own rules, and what stays the same for ever."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proving.discovery_rules import complaints, entities

from sensor_gateway.model.channel import configured_channel
from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.model.quantity import QUANTITIES, other
from sensor_gateway.publishing.discovery.documents import Document
from sensor_gateway.publishing.discovery.settings import Areas
from sensor_gateway.publishing.meta import Labels
from sensor_gateway.sensing.plan import SensorPlan

Plan = Callable[..., SensorPlan]
Tell = Callable[..., tuple[Document, ...]]

FORMS = ["device", "single"]
EVERYTHING = [configured_channel(name, quantity=quantity) for name, quantity in QUANTITIES.items()]
TEMPERATURE = configured_channel("temperature", quantity=QUANTITIES["temperature"])
HUMIDITY = configured_channel("humidity", quantity=QUANTITIES["humidity"])
NAMES = st.from_regex(r"[a-z0-9_-]{1,6}", fullmatch=True)


def found(told: tuple[Document, ...]) -> dict[str, dict[str, Any]]:
    messages = [document.announcement() for document in told]
    return {
        unique_id: entity
        for message in messages
        for unique_id, entity in entities(message.topic, message.payload).items()
    }


@pytest.mark.parametrize("form", FORMS)
def test_home_assistant_objects_to_no_quantity_that_there_is(make_plan: Plan, tell: Tell, form: str) -> None:
    odd = [
        configured_channel("speed", quantity=other("rpm")),
        configured_channel("count", quantity=other(" ")),
        configured_channel("import", quantity=QUANTITIES["energy"], low=0.0),
    ]
    told = tell(make_plan("attic", *EVERYTHING, *odd), form=form)
    for document in told:
        message = document.announcement()
        assert complaints(message.topic, message.payload) == []
    assert len(found(told)) == len(EVERYTHING) + len(odd) + 1 + 5


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"unit_of_meas": "Cel"}, "has the unit Cel"),
        ({"dev_cla": "warmth"}, "has the device class warmth"),
        ({"stat_cla": "total"}, "has the state class total"),
        ({"sug_dsp_prec": 2}, "has the key sug_dsp_prec"),
        ({"exp_aft": 0.5}, "expires after 0.5"),
        ({"uniq_id": None}, "has no unique_id"),
        ({"stat_t": None}, "lacks state_topic"),
        ({"avty": [{"val_tpl": "x"}]}, "lacks topic"),
        ({"p": "light"}, "has the platform light"),
    ],
)
def test_the_judge_sees_each_kind_of_fault(make_plan: Plan, tell: Tell, damage: dict[str, Any], said: str) -> None:
    """The control of the test above."""
    message = tell(make_plan("attic", TEMPERATURE))[1].announcement()
    body = json.loads(message.payload)
    component = body["cmps"]["state.temperature"] | damage
    body["cmps"]["state.temperature"] = {key: value for key, value in component.items() if value is not None}
    faults = complaints(message.topic, json.dumps(body).encode())
    assert any(said in fault for fault in faults), faults


def test_the_judge_sees_what_a_whole_message_lacks(make_plan: Plan, tell: Tell) -> None:
    """The control of the test above."""
    message = tell(make_plan("attic", TEMPERATURE))[1].announcement()
    for key in ("dev", "o", "cmps"):
        body = json.loads(message.payload)
        del body[key]
        assert complaints(message.topic, json.dumps(body).encode()) != []
    assert complaints("homeassistant/device/green house/attic/config", message.payload) != []
    assert complaints(message.topic, b"[]") != []


@pytest.mark.parametrize("form", FORMS)
def test_a_channel_has_its_unit_class_precision_and_lifetime(make_plan: Plan, tell: Tell, form: str) -> None:
    entity = found(tell(make_plan("attic", TEMPERATURE), form=form))[
        "sensor-gateway.greenhouse.attic.state.temperature"
    ]
    assert entity["state_topic"] == "sensors/v1/greenhouse/state/attic/temperature"
    assert entity["device_class"] == "temperature"
    assert entity["unit_of_measurement"] == "°C"
    assert entity["state_class"] == "measurement"
    assert entity["suggested_display_precision"] == 2
    assert entity["expire_after"] == 900, "three heartbeats of 300 s, as the retained state lives"
    assert entity["availability_mode"] == "all"
    assert [one["t"] for one in entity["availability"]] == [
        "sensors/v1/greenhouse/status",
        "sensors/v1/greenhouse/availability/attic",
    ]
    assert "name" not in entity, "Home Assistant names it, in the user's language"


def test_without_a_heartbeat_the_lifetime_is_that_of_the_retained_state(make_plan: Plan, tell: Tell) -> None:
    entity = found(tell(make_plan("attic", TEMPERATURE, heartbeat_ms=None)))[
        "sensor-gateway.greenhouse.attic.state.temperature"
    ]
    assert entity["expire_after"] == 100, "ten intervals of 10 s"


def test_names_come_from_labels_and_else_from_ids_that_can_be_read(make_plan: Plan, tell: Tell) -> None:
    flow = configured_channel("flow_temperature", quantity=QUANTITIES["temperature"])
    labels = Labels(gateway="Nord", sensors={"attic": "Dach"}, channels={("attic", "temperature"): "Luft"})
    gateway, attic, boiler = tell(make_plan("attic", TEMPERATURE), make_plan("boiler-room", flow), labels=labels)
    assert gateway.body["dev"]["name"] == "Nord"  # type: ignore[index]
    assert attic.body["dev"]["name"] == "Dach"  # type: ignore[index]
    assert boiler.body["dev"]["name"] == "Boiler room"  # type: ignore[index]
    assert attic.body["cmps"]["state.temperature"]["name"] == "Luft"  # type: ignore[index]
    assert boiler.body["cmps"]["state.flow_temperature"]["name"] == "Flow temperature"  # type: ignore[index]


def test_a_sensor_is_in_its_own_area_or_in_the_gateways(make_plan: Plan, tell: Tell) -> None:
    areas = Areas(gateway="Garden", sensors={"attic": "Roof"})
    told = tell(make_plan("attic", TEMPERATURE), make_plan("bench", TEMPERATURE), areas=areas)
    assert [document.body["dev"]["sa"] for document in told] == ["Garden", "Roof", "Garden"]  # type: ignore[index]
    plain = tell(make_plan("attic", TEMPERATURE))
    assert all("sa" not in document.body["dev"] for document in plain)  # type: ignore[operator]


def test_the_gateway_comes_first_since_the_others_refer_to_it(make_plan: Plan, tell: Tell) -> None:
    for form in FORMS:
        told = tell(make_plan("attic", TEMPERATURE), form=form)
        hosts = [document.body["dev"].get("via_device", "") for document in told]  # type: ignore[attr-defined]
        assert hosts == sorted(hosts)
        assert hosts[-1] == told[0].body["dev"]["ids"][0]  # type: ignore[index]


def test_both_forms_announce_the_same_entities_under_the_same_ids(make_plan: Plan, tell: Tell) -> None:
    plans = (make_plan("attic", *EVERYTHING), make_plan("bench", TEMPERATURE))
    device, single = found(tell(*plans)), found(tell(*plans, form="single"))
    assert device.keys() == single.keys()
    for unique_id, entity in device.items():
        assert {key: single[unique_id].get(key) for key in entity} == entity


def test_ids_do_not_follow_labels_areas_versions_or_neighbours(make_plan: Plan, tell: Tell) -> None:
    """With another id, a user's history and dashboards would be gone."""
    plain = tell(make_plan("attic", TEMPERATURE))
    dressed = tell(
        make_plan("bench", TEMPERATURE),
        make_plan("attic", HUMIDITY, TEMPERATURE),
        labels=Labels(gateway="G", sensors={"attic": "A"}, channels={("attic", "temperature"): "T"}),
        areas=Areas(gateway="X"),
    )
    assert found(plain).keys() <= found(dressed).keys()
    assert {document.topic for document in plain} <= {document.topic for document in dressed}
    assert sorted(found(plain)) == [
        "sensor-gateway.greenhouse.attic.availability",
        "sensor-gateway.greenhouse.attic.state.temperature",
        "sensor-gateway.greenhouse.buffered",
        "sensor-gateway.greenhouse.link",
        "sensor-gateway.greenhouse.lost",
        "sensor-gateway.greenhouse.status",
        "sensor-gateway.greenhouse.uptime",
    ]


@given(first=st.tuples(NAMES, NAMES, NAMES), second=st.tuples(NAMES, NAMES, NAMES), form=st.sampled_from(FORMS))
def test_no_two_channels_of_any_names_share_an_id_or_a_topic(
    make_plan: Plan, tell: Tell, first: tuple[str, str, str], second: tuple[str, str, str], form: str
) -> None:
    def of(names: tuple[str, str, str]) -> tuple[set[str], set[str]]:
        gateway, sensor, channel = names
        plan = make_plan(sensor, configured_channel(channel, quantity=QUANTITIES["temperature"]))
        told = tell(plan, gateway=gateway, form=form)
        return set(found(told)), {document.topic for document in told}

    ids, topics = of(first)
    others, other_topics = of(second)
    assert len(ids) == 7
    assert len(topics) == (2 if form == "device" else 7)
    if first[0] != second[0]:
        assert not ids & others
        assert not topics & other_topics
    elif first[1] != second[1]:
        assert len(ids & others) == 5
        assert len(topics & other_topics) == (1 if form == "device" else 5)


def test_without_a_health_topic_the_gateway_tells_only_whether_it_is_connected(tell: Tell) -> None:
    assert list(found(tell(health_lifetime_s=None))) == ["sensor-gateway.greenhouse.status"]
    assert len(found(tell())) == 5


def test_a_removed_entity_is_reduced_to_its_platform(make_plan: Plan, tell: Tell) -> None:
    """Home Assistant removes it then; left out, it would stay (components/mqtt/discovery.py)."""
    document = tell(make_plan("attic", TEMPERATURE))[1]
    message = document.announcement({"sensor-gateway.greenhouse.attic.state.humidity": "sensor"})
    body = json.loads(message.payload)
    assert body["cmps"]["state.humidity"] == {"p": "sensor"}
    assert body["cmps"]["state.temperature"]["dev_cla"] == "temperature"
    assert complaints(message.topic, message.payload) == []


def test_a_stream_that_fell_silent_is_not_there_at_once(make_plan: Plan, tell: Tell) -> None:
    """Three intervals have passed by then; a chip that did not answer once is given a second try."""
    told = tell(make_plan("mast", TEMPERATURE, bus=BusKind.SERIAL_STREAM))
    entity = found(told)["sensor-gateway.greenhouse.mast.state.temperature"]
    assert [one["t"] for one in entity["availability"]][2:] == ["sensors/v1/greenhouse/state/mast/temperature"]
    message = told[1].announcement()
    assert complaints(message.topic, message.payload) == []


def test_an_unpublished_channel_is_not_announced(make_plan: Plan, tell: Tell) -> None:
    ids = found(tell(make_plan("attic", TEMPERATURE, HUMIDITY, left_out="humidity")))
    assert "sensor-gateway.greenhouse.attic.state.humidity" not in ids
    assert "sensor-gateway.greenhouse.attic.state.temperature" in ids
