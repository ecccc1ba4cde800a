"""What is said of a gateway, from retained messages that anybody may have published."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.cli.fleet.page import json_object, table, verdict_line, verdict_of
from sensor_gateway.publishing.fleet.expected import Expected, expected_of
from sensor_gateway.publishing.fleet.gateway_line import GatewayLine, Verdict
from sensor_gateway.publishing.fleet.roll import Roll

NOW = datetime(2026, 11, 23, 16, 0, 30, tzinfo=UTC)
STATUS = {"state": "online", "instance": "i1", "version": "0.1.0", "since": "2026-11-23T15:00:00.000Z"}
HEALTH: dict[str, Any] = {
    "time": "2026-11-23T16:00:00.000Z",
    "clock": "synced",
    "version": "0.1.0",
    "interval_s": 60.0,
    "buffered": 0,
    "oldest": None,
    "full_in_s": None,
    "lost_total": 0,
    "alarms": [],
    "sensor_counts": {"starting": 0, "online": 2, "degraded": 0, "offline": 0},
}
META = {"sensors": {"attic": {}, "bench": {}}}


def heard(**messages: Any) -> GatewayLine:
    """The line of ``barn``, of which these messages were heard; a sensor's is given as ``sensor_NAME``."""
    roll = Roll("sensors/v1")
    for kind, message in messages.items():
        topic = f"availability/{kind.removeprefix('sensor_')}" if kind.startswith("sensor_") else kind
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        roll.hear(f"sensors/v1/barn/{topic}", payload)
    [line] = roll.lines(NOW)
    return line


def healthy(**changed: Any) -> dict[str, Any]:
    return {**HEALTH, **changed}


ONLINE = {"state": "online"}


def test_a_gateway_that_is_well_shows_what_it_says() -> None:
    line = heard(status=STATUS, health=HEALTH, meta=META, sensor_attic=ONLINE, sensor_bench=ONLINE)
    assert (line.verdict, line.why) == (Verdict.WELL, ())
    assert (line.state, line.since, line.version) == ("online", "2026-11-23T15:00:00.000Z", "0.1.0")
    assert (line.sensors_ok, line.sensors_total, line.buffered, line.lost) == (2, 2, 0, 0)
    assert (line.clock, line.oldest) == ("synced", None)


@pytest.mark.parametrize(
    ("health", "verdict", "why"),
    [
        (healthy(lost_total=3), Verdict.BAD, "3 events lost"),
        (healthy(alarms=["outbox_flash"]), Verdict.BAD, "alarm outbox_flash"),
        (healthy(alarms=["stream_held"]), Verdict.DEGRADED, "alarm stream_held"),
        (healthy(alarms=["of_a_later_version"]), Verdict.DEGRADED, "alarm of_a_later_version"),
        (healthy(clock="unsynced"), Verdict.DEGRADED, "clock not set"),
        (healthy(time="2026-11-23T15:57:00.000Z"), Verdict.DEGRADED, "210 s old"),
        (healthy(time="2026-11-23T16:03:00.000Z"), Verdict.DEGRADED, "150 s ahead"),
        (healthy(buffered=5, oldest="2026-11-23T15:00:30.000Z"), Verdict.DEGRADED, "wait for 60 min"),
        (healthy(buffered=5, full_in_s=7200), Verdict.DEGRADED, "the room lasts 2.0 h"),
        (healthy(buffered=5, full_in_s=0), Verdict.BAD, "no room is left"),
        (healthy(buffered=5, full_in_s=1), Verdict.DEGRADED, "the room lasts 0.0 h"),
        (healthy(buffered="many"), Verdict.BAD, "does not say"),
        ([], Verdict.BAD, "nobody can read its health"),
        (b"\xff{", Verdict.BAD, "nobody can read its health"),
        (b"[" * 100_000, Verdict.BAD, "nobody can read its health"),
    ],
)
def test_what_is_amiss_decides_the_verdict_and_is_said(health: Any, verdict: Verdict, why: str) -> None:
    line = heard(status=STATUS, health=health, meta=META, sensor_attic=ONLINE, sensor_bench=ONLINE)
    assert line.verdict is verdict
    assert why in line.why[0]


@pytest.mark.parametrize(
    "health",
    [
        healthy(time="2026-11-23T15:58:00.000Z"),
        healthy(time="2026-11-23T16:01:00.000Z"),
        healthy(buffered=5, oldest="2026-11-23T15:55:00.000Z", full_in_s=90_000),
        healthy(interval_s=None, time="2026-11-20T15:58:00.000Z"),
        healthy(purged=7),
        healthy(buffered=0, full_in_s=0),
    ],
)
def test_what_is_no_fault_is_none(health: Any) -> None:
    assert heard(status=STATUS, health=health, sensor_attic=ONLINE).verdict is Verdict.WELL


def test_an_alarm_of_which_health_holds_a_sentence_is_told_by_it_and_once() -> None:
    silent = "its sensor is silent: there is no /dev/i2c-1"
    health = healthy(
        alarms=["bus_silent", "configuration", "stream_held"],
        configuration="the configuration file has 1 fault",
        buses={"i2c1": {"reason": silent}, "i2c2": {"reason": ""}, "odd": 7},
    )
    assert heard(status=STATUS, health=health, sensor_attic=ONLINE).why == (
        f"bus i2c1: {silent}",
        "the configuration file has 1 fault",
        "alarm stream_held",
    )


def test_an_alarm_without_its_sentence_is_told_by_its_name() -> None:
    line = heard(status=STATUS, health=healthy(alarms=["bus_silent", "configuration"]), sensor_attic=ONLINE)
    assert line.why == ("alarm bus_silent", "alarm configuration")


def test_a_gateway_that_is_gone_is_bad_and_none_of_its_sensors_is_alive() -> None:
    line = heard(status={"state": "offline"}, health=HEALTH, meta=META, sensor_attic=ONLINE, sensor_bench=ONLINE)
    assert (line.state, line.verdict, line.since, line.why) == ("offline", Verdict.BAD, None, ("offline",))
    assert (line.sensors_ok, line.sensors_total) == (0, 2)


def test_a_sensor_that_is_not_online_is_named_and_one_that_is_configured_no_more_is_not_counted() -> None:
    gone = {"state": "offline", "reason": "removed long ago"}
    line = heard(
        status=STATUS,
        health=HEALTH,
        meta=META,
        sensor_attic=ONLINE,
        sensor_bench={"state": "degraded"},
        sensor_old=gone,
    )
    assert (line.sensors_ok, line.sensors_total) == (1, 2)
    assert line.verdict is Verdict.DEGRADED
    assert line.why == ("1 of 2 sensors not online (bench)",)


OFFLINE = {"state": "offline"}


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        (
            {"meta": META, "sensor_attic": OFFLINE, "sensor_bench": OFFLINE},
            "nothing is measured: all its 2 sensors are offline (attic, bench)",
        ),
        ({"sensor_attic": OFFLINE}, "nothing is measured: its sensor is offline (attic)"),
        (
            {"health": healthy(sensor_counts={"online": 0, "offline": 3})},
            "nothing is measured: all its 3 sensors are offline",
        ),
    ],
)
def test_a_gateway_of_which_all_sensors_are_offline_is_bad(messages: dict[str, Any], why: str) -> None:
    line = heard(**{"status": STATUS, "health": HEALTH, **messages})
    assert (line.verdict, line.why) == (Verdict.BAD, (why,))


@pytest.mark.parametrize(
    "messages",
    [
        {"meta": META, "sensor_attic": OFFLINE, "sensor_bench": {"state": "degraded"}},
        {"meta": META, "sensor_attic": OFFLINE, "sensor_bench": {"state": "starting"}},
        {"meta": META, "sensor_attic": OFFLINE, "sensor_old": OFFLINE},
        {"health": healthy(sensor_counts={"starting": 1, "offline": 3})},
    ],
)
def test_one_that_may_still_measure_something_is_degraded(messages: dict[str, Any]) -> None:
    assert heard(**{"status": STATUS, "health": HEALTH, **messages}).verdict is Verdict.DEGRADED


@pytest.mark.parametrize("messages", [{"meta": {"sensors": {}}}, {"health": healthy(sensor_counts={"online": 0})}])
def test_one_without_sensors_is_not_bad_for_it(messages: dict[str, Any]) -> None:
    assert heard(**{"status": STATUS, "health": HEALTH, **messages}).verdict is Verdict.WELL


def test_without_meta_and_availability_the_health_tells_how_many_sensors_are_online() -> None:
    line = heard(status=STATUS, health=healthy(sensor_counts={"online": 3, "offline": 1}))
    assert (line.sensors_ok, line.sensors_total) == (3, 4)


def test_a_gateway_of_a_version_without_health_is_degraded_and_still_shown() -> None:
    line = heard(status=STATUS, sensor_attic=ONLINE)
    assert (line.verdict, line.why) == (Verdict.DEGRADED, ("no health message",))
    assert (line.lost, line.buffered) == (None, None)


def test_a_topic_that_is_taken_back_is_forgotten() -> None:
    roll = Roll("p")
    roll.hear("p/barn/status", json.dumps(STATUS).encode())
    assert [line.gateway for line in roll.lines(NOW)] == ["barn"]
    roll.hear("p/barn/status", b"")
    assert roll.lines(NOW) == []


def test_the_worst_comes_first_then_the_name() -> None:
    roll = Roll("p")
    for name, state in {"b": "online", "a": "online", "z": "offline"}.items():
        roll.hear(f"p/{name}/status", json.dumps({"state": state}).encode())
        roll.hear(f"p/{name}/health", json.dumps(HEALTH).encode())
    assert [line.gateway for line in roll.lines(NOW)] == ["z", "a", "b"]


def test_nothing_that_a_terminal_obeys_reaches_it() -> None:
    roll = Roll("p")
    roll.hear("p/\x1b[2Jx/status", b'{"state":"online","version":"\\u001b]0;x\\u0007","since":"\\n"}')
    page = table(roll.lines(NOW))
    assert page.isprintable() is False
    assert all(line.isprintable() for line in page.splitlines())
    assert len(page.splitlines()) == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from([*HEALTH, *STATUS, "sensors", "code"])
payloads = st.binary(max_size=40) | st.dictionaries(keys, json_values).map(lambda found: json.dumps(found).encode())


@given(
    st.lists(st.tuples(st.sampled_from(["status", "health", "meta", "availability/a", "x/y"]), payloads), max_size=8)
)
def test_any_payload_on_any_topic_gives_at_most_one_line_a_gateway(messages: list[tuple[str, bytes]]) -> None:
    roll = Roll("sensors/v1")
    for kind, payload in messages:
        roll.hear(f"sensors/v1/barn/{kind}", payload)
    lines = roll.lines(NOW)
    assert len(lines) <= 1
    for line in lines:
        assert len(table([line]).splitlines()) == 2
        assert json.loads(json_object(line))["gateway"] == "barn"
        assert verdict_line([line])


def test_the_line_for_monitoring_names_the_verdict_and_who_is_amiss() -> None:
    roll = Roll("p")
    roll.hear("p/barn/status", b'{"state":"offline"}')
    roll.hear("p/shed/status", json.dumps(STATUS).encode())
    roll.hear("p/shed/health", json.dumps(HEALTH).encode())
    assert verdict_line(roll.lines(NOW)) == "bad: 2 gateways, 1 well; barn: offline"
    assert verdict_line([]).startswith("bad: no gateway")


def test_how_old_a_line_is_stands_in_it() -> None:
    line = heard(status=STATUS, health=HEALTH, sensor_attic=ONLINE)
    assert line.age_s == 30
    assert json.loads(json_object(line))["age_s"] == 30
    assert "30 seconds" in table([line])
    assert heard(status=STATUS).age_s is None


def fleet_of(*names: str) -> list[GatewayLine]:
    roll = Roll("p")
    for name in names:
        roll.hear(f"p/{name}/status", json.dumps(STATUS).encode())
        roll.hear(f"p/{name}/health", json.dumps(HEALTH).encode())
    return roll.lines(NOW)


def test_fewer_gateways_than_expected_are_bad_and_more_are_not() -> None:
    lines = fleet_of("barn", "shed")
    assert (verdict_of(lines), verdict_line(lines)) == (Verdict.WELL, "well: 2 gateways, 2 well")
    shortage = expected_of("40").shortage(len(lines))
    assert verdict_line(lines, shortage) == "bad: 2 gateways, 2 well; 38 of 40 expected gateways not heard of"
    assert verdict_of(lines, shortage) is Verdict.BAD
    assert expected_of("2").shortage(2) == expected_of("1").shortage(2) == ""
    assert verdict_line([], expected_of("1").shortage(0)).endswith("; 1 of 1 expected gateways not heard of")


def test_an_expected_gateway_of_which_nothing_was_heard_has_a_line_and_is_bad() -> None:
    lines = expected_of("shed, attic,barn").completed(fleet_of("barn", "shed", "other"))
    assert [(line.gateway, line.verdict.name) for line in lines] == [
        ("attic", "BAD"),
        ("barn", "WELL"),
        ("other", "WELL"),
        ("shed", "WELL"),
    ]
    assert verdict_line(lines) == "bad: 4 gateways, 3 well; attic: nothing was heard of it"
    assert expected_of("barn").completed(fleet_of("barn")) == fleet_of("barn")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("40", Expected(count=40)),
        ("barn", Expected(names=("barn",))),
        ("barn, shed,barn", Expected(names=("barn", "shed"))),
        ("40,41", Expected(names=("40", "41"))),
    ],
)
def test_what_is_expected_is_a_number_or_names(words: str, expected: Expected) -> None:
    assert expected_of(words) == expected


@pytest.mark.parametrize("words", ["", ",", "barn/shed", "+", "#"])
def test_what_can_be_no_gateway_is_refused_with_what_was_expected(words: str) -> None:
    with pytest.raises(ValueError, match="expected how many gateways, or their names"):
        expected_of(words)
