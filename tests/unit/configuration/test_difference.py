"""From two configurations to what has to be done. Pure: nothing runs here."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensor_gateway.config.loading import Startable, load_text
from sensor_gateway.model.health import UnreadSensor
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.configuration.difference import Difference, difference
from sensor_gateway.service.configuration.reading import judged
from sensor_gateway.service.configuration.setup import Setup, setup_of

Make = Callable[[str], Setup]

DOES_NOTHING = {
    "buses_removed": (),
    "buses_changed": (),
    "buses_renewed": (),
    "buses_added": (),
    "silenced": {},
    "recoveries_changed": (),
    "sensors_removed": (),
    "sensors_changed": (),
    "sensors_added": (),
    "is_broker_changed": False,
    "is_described_anew": False,
    "is_health_changed": False,
    "is_metrics_changed": False,
    "refusals": (),
    "notes": (),
}


def does(found: Difference) -> dict[str, object]:
    """What is to be done, apart from what is not."""
    return {name: getattr(found, name) for name, nothing in DOES_NOTHING.items() if getattr(found, name) != nothing}


def without_bench(house: str) -> str:
    return "".join(line for line in house.splitlines(keepends=True) if "bench" not in line)


def test_the_same_file_read_again_is_nothing_to_do(setup_from: Make, house: str) -> None:
    old, new = setup_from(house), setup_from(house)
    assert old.sensors[0] is not new.sensors[0]
    found = difference(old, new)
    assert does(found) == {}
    assert found.sentences() == ()
    assert all(a is b for a, b in zip(found.setup.sensors, old.sensors, strict=True))


def test_a_changed_sensor_changes_its_bus_and_no_other_sensor(setup_from: Make, house: str) -> None:
    old = setup_from(house)
    found = difference(old, setup_from(house.replace("address: 0x49", "address: 0x49, interval: 3s")))
    assert does(found) == {
        "buses_changed": ("wire",),
        "sensors_changed": ("bench",),
        "is_described_anew": True,
    }
    assert found.setup.buses["wire"].sensors[0] is old.buses["wire"].sensors[0]
    assert found.setup.buses["i2c1"].sensors[0] is old.buses["i2c1"].sensors[0]
    assert found.sentences() == ("sensor bench was changed",)


def test_a_sensor_that_leaves_is_silenced_on_its_bus(setup_from: Make, house: str) -> None:
    found = difference(setup_from(house), setup_from(without_bench(house)))
    assert does(found) == {
        "buses_changed": ("wire",),
        "silenced": {"wire": ("bench",)},
        "sensors_removed": ("bench",),
        "is_described_anew": True,
    }


def test_a_sensor_that_moves_leaves_one_bus_and_comes_to_another(setup_from: Make, house: str) -> None:
    found = difference(setup_from(house), setup_from(house.replace("bus: wire, address: 0x49", "bus: i2c1")))
    assert found.buses_changed == ("wire", "i2c1")
    assert found.silenced == {"wire": ("bench",)}
    assert found.sensors_changed == ("bench",)


def test_a_bus_without_a_sensor_is_removed_and_one_that_gets_its_first_is_added(setup_from: Make, house: str) -> None:
    found = difference(setup_from(house), setup_from(house.replace("bus: i2c1", "bus: i2c3")))
    assert (found.buses_removed, found.buses_added) == (("i2c1",), ("i2c3",))
    assert found.buses_changed == found.buses_renewed == ()
    assert found.sensors_changed == ("cellar",)


@pytest.mark.parametrize(
    ("what", "by"),
    [("kind: i2c}", "kind: i2c, seed: 8}"), ("mqtt: {", "gateway: {id: house, slack: 10ms}\nmqtt: {")],
)
def test_a_bus_is_opened_anew_for_its_own_section_and_for_the_slack(
    setup_from: Make, house: str, what: str, by: str
) -> None:
    text = house.replace("gateway: {id: house}\n", "") if "gateway" in by else house
    found = difference(setup_from(house), setup_from(text.replace(what, by)))
    assert "wire" in found.buses_renewed
    assert ("i2c1" in found.buses_renewed) is ("gateway" in by)
    assert found.sensors_changed == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ", recover: {command: [x]}"), (", recover: {command: [x]}", ""),
     (", recover: {command: [x]}", ", recover: {command: [x], after: 2min}")],
)  # fmt: skip
def test_another_recover_command_is_told_and_the_bus_goes_on(
    setup_from: Make, house: str, before: str, after: str
) -> None:
    old, new = (setup_from(house.replace("kind: i2c}", f"kind: i2c{text}}}")) for text in (before, after))
    found = difference(old, new)
    assert does(found) == {"recoveries_changed": ("wire",)}
    assert found.sentences() == ("`recover:` of bus wire was changed",)
    assert found.setup.buses["wire"].section == new.buses["wire"].section


def test_a_bus_whose_scenario_was_edited_is_opened_anew(setup_from: Make, house: str, tmp_path: Path) -> None:
    scenario = tmp_path / "storm.yaml"
    scenario.write_text("values: {attic.temperature: [[0s, 20], [5s, 21]]}\n")
    text = house.replace("kind: i2c}", "kind: i2c, scenario: storm.yaml}")
    old = setup_from(text)
    assert does(difference(old, setup_from(text))) == {}
    scenario.write_text("values: {attic.temperature: [[0s, 20], [5s, 22]]}\n")
    os.utime(scenario, ns=(1, 1))
    assert difference(old, setup_from(text)).buses_renewed == ("wire",)


def test_a_new_password_renews_the_connection_and_another_host_moves(setup_from: Make, house: str) -> None:
    old = setup_from(house)
    broker = dataclasses.replace(old.broker, password="another")  # noqa: S106
    found = difference(old, dataclasses.replace(old, broker=broker))
    assert (found.is_broker_changed, found.is_moving) == (True, False)
    found = difference(old, setup_from(house.replace("localhost", "broker.lan")))
    assert (found.is_broker_changed, found.is_moving) == (True, True)
    assert found.buses_changed == ()
    assert found.sentences() == ("the connection to the broker is made anew",)


def test_a_certificate_that_was_renewed_renews_the_connection(setup_from: Make, house: str, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("one")
    text = house.replace("mqtt://localhost", "mqtts://localhost, tls: {ca_file: ca.pem}")
    old = setup_from(text)
    assert does(difference(old, setup_from(text))) == {}
    (tmp_path / "ca.pem").write_text("another")
    assert difference(old, setup_from(text)).is_broker_changed


@pytest.mark.parametrize(
    ("what", "by", "says"),
    [
        ("id: house", "id: barn", "gateway.id"),
        ("mqtt://localhost", "mqtt://localhost, topic_prefix: plants", "mqtt.topic_prefix"),
        ("buses:", "outbox: {hot_directory: /run/elsewhere}\nbuses:", "outbox.hot_directory"),
        ("buses:", "outbox: {max_age: 1d}\nbuses:", "outbox:"),
        ("buses:", "outbox: {drain_rate: 7}\nbuses:", "outbox:"),
        ("buses:", "home_assistant: true\nbuses:", "home_assistant:"),
        ("buses:", "commands: {allow: [read]}\nbuses:", "commands:"),
    ],
)
def test_what_only_a_restart_can_change_is_refused_with_all_that_came_with_it(
    setup_from: Make, house: str, what: str, by: str, says: str
) -> None:
    old = setup_from(house)
    found = difference(old, setup_from(house.replace(what, by).replace("0x49", "0x4a")))
    assert says in found.refusals[0]
    assert "restart the gateway" in found.refusals[0]
    assert does(found) == {"refusals": found.refusals}
    assert found.setup is old


def test_a_label_is_told_and_touches_nobody(setup_from: Make, house: str) -> None:
    found = difference(setup_from(house), setup_from(house.replace("bus: i2c1", "bus: i2c1, label: Downstairs")))
    assert does(found) == {"is_described_anew": True}
    assert found.sentences() == ("names or the order of sensors were changed",)


def test_another_interval_of_health_touches_nobody(setup_from: Make, house: str) -> None:
    found = difference(setup_from(house), setup_from(house.replace("id: house", "id: house, health_interval: false")))
    assert does(found) == {"is_health_changed": True}
    assert found.sentences() == ("the interval of health messages was changed",)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("", "metrics: true\n", "metrics are to be served at 127.0.0.1:9756"),
        ("metrics: true\n", "metrics: {port: 9100}\n", "metrics are to be served at 127.0.0.1:9100"),
        ("metrics: true\n", "", "metrics end"),
    ],
)
def test_another_port_for_metrics_touches_nobody(
    setup_from: Make, house: str, before: str, after: str, sentence: str
) -> None:
    found = difference(setup_from(house + before), setup_from(house + after))
    assert does(found) == {"is_metrics_changed": True}
    assert found.sentences() == (sentence,)


def test_another_form_of_states_takes_a_new_connection(setup_from: Make, house: str) -> None:
    """On which all of them are said again."""
    found = difference(
        setup_from(house), setup_from(house.replace("mqtt://localhost", "mqtt://localhost, payload: value"))
    )
    assert does(found) == {"is_broker_changed": True}
    assert not found.is_moving


def test_nobody_can_be_allowed_more_by_a_reload(setup_from: Make, house: str) -> None:
    """Not even by somebody who may reload, nor from one command to another."""
    allowed = "commands: {{allow: [{}]}}\nbuses:"
    old = setup_from(house.replace("buses:", allowed.format("reload")))
    for names in ("reload, read", "read", "reload, log-level"):
        found = difference(old, setup_from(house.replace("buses:", allowed.format(names))))
        assert does(found) == {"refusals": found.refusals}
        assert "`commands:` is read at a start only" in found.refusals[0]


def test_the_hold_of_the_clock_is_noted_for_the_next_start(setup_from: Make, house: str) -> None:
    found = difference(setup_from(house), setup_from(house + "clock: {hold: 5s}\n"))
    assert does(found) == {"notes": found.notes}
    assert "next" in found.notes[0]


def test_another_source_of_the_clock_is_noted_for_the_next_start(setup_from: Make, house: str) -> None:
    found = difference(setup_from(house), setup_from(house + "clock: {source: chrony}\n"))
    assert does(found) == {"notes": found.notes}
    assert "clock.source" in found.notes[0]


UNREAD = UnreadSensor(
    name="bench", driver="broken", interval_s=60.0, label="Bench", place="gateway.yaml:8:19", reason="it cannot be used"
)


def test_a_sensor_whose_driver_cannot_be_used_is_removed_as_any_other(setup_from: Make, house: str) -> None:
    new = setup_from(without_bench(house))
    found = difference(dataclasses.replace(new, unread=(UNREAD,)), new)
    assert does(found) == {"sensors_removed": ("bench",), "is_described_anew": True}
    assert found.sentences() == ("sensor bench was removed",)


def test_a_sensor_whose_driver_can_be_used_now_was_changed(setup_from: Make, house: str) -> None:
    old = dataclasses.replace(setup_from(without_bench(house)), unread=(UNREAD,))
    found = difference(old, setup_from(house))
    assert does(found) == {"buses_changed": ("wire",), "sensors_changed": ("bench",), "is_described_anew": True}
    back = difference(found.setup, old)
    assert (back.silenced, back.sensors_changed) == ({"wire": ("bench",)}, ("bench",))


def test_what_is_known_of_an_unread_sensor_is_compared(setup_from: Make, house: str) -> None:
    rest = setup_from(without_bench(house))
    old, same = (dataclasses.replace(rest, unread=(dataclasses.replace(UNREAD),)) for _ in range(2))
    assert does(difference(old, same)) == {}
    other = dataclasses.replace(rest, unread=(dataclasses.replace(UNREAD, label="Workbench"),))
    assert does(difference(old, other)) == {"sensors_changed": ("bench",), "is_described_anew": True}


CATALOGUE = DriverCatalogue()

sensors = st.fixed_dictionaries(
    {
        "bus": st.sampled_from(["wire", "i2c1", "i2c2"]),
        "interval": st.sampled_from(["1s", "2s"]),
        "deadband": st.sampled_from([0, 0.5]),
    }
)
houses = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 1),
        "host": st.sampled_from(["here", "there"]),
        "sensors": st.dictionaries(st.sampled_from(["attic", "bench", "cellar", "den"]), sensors),
    }
)


def setup_of_house(drawn: dict[str, object]) -> Setup:
    lines = [
        "gateway: {id: house}",
        f"mqtt: {{url: 'mqtt://{drawn['host']}'}}",
        f"buses: {{wire: {{type: simulated, kind: i2c, seed: {drawn['seed']}}}}}",
        "sensors:",
    ]
    chosen = drawn["sensors"]
    assert isinstance(chosen, dict)
    for place, (name, sensor) in enumerate(chosen.items()):
        channels = f"channels: {{temperature: {{deadband: {sensor['deadband']}}}}}"
        where = f"bus: {sensor['bus']}, address: {0x48 + place:#x}"
        lines.append(f"  {name}: {{driver: tmp1075, {where}, interval: {sensor['interval']}, {channels}}}")
    loaded = load_text("\n".join(lines) + "\n", catalogue=CATALOGUE, environ={})
    reading = judged(loaded, CATALOGUE, environ={})
    assert reading.configuration is not None, reading.faults
    return setup_of(Startable(configuration=reading.configuration), CATALOGUE, gateway="house", own_client_id="house-1")


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(one=houses, other=houses)
def test_there_and_back_again_ends_where_it_began(one: dict[str, object], other: dict[str, object]) -> None:
    a, b = setup_of_house(one), setup_of_house(other)
    assert does(difference(a, setup_of_house(one))) == {}
    there = difference(a, b)
    assert there.setup == b
    back = difference(there.setup, setup_of_house(one))
    assert back.setup == a
    assert does(difference(back.setup, a)) == {}
    assert set(there.sensors_added) == set(back.sensors_removed)
    assert set(there.buses_added) == set(back.buses_removed)
    assert set(there.sensors_changed) == set(back.sensors_changed)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(one=houses, other=houses)
def test_each_bus_has_one_fate_and_who_is_equal_in_his_place_is_the_same_object(
    one: dict[str, object], other: dict[str, object]
) -> None:
    a, b = setup_of_house(one), setup_of_house(other)
    found = difference(a, b)
    fates = [*found.buses_removed, *found.buses_changed, *found.buses_renewed, *found.buses_added]
    assert len(fates) == len(set(fates))
    assert set(a.buses) - set(found.buses_removed) | set(found.buses_added) == set(b.buses)
    before = {plan.name: plan for plan in a.sensors}
    for plan in found.setup.sensors:
        assert (plan is before.get(plan.name)) is (plan == before.get(plan.name))
    for name in set(a.buses) & set(b.buses) - set(fates):
        assert a.buses[name] == b.buses[name]
