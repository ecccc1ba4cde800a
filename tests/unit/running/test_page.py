"""What is printed of a gateway that answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.cli.running.page import page
from sensor_gateway.cli.running.verdict import verdict_of
from sensor_gateway.publishing.fleet.gateway_line import Verdict

NOW = datetime(2026, 11, 23, 16, 0, 0, tzinfo=UTC)
ONLINE = {"state": "online", "code": None, "reason": "", "last_good": "2026-11-23T15:59:57.000Z"}
REASON = "no answer at address 0x76: check the wiring, the supply and the address"
GONE = {"state": "offline", "code": "nack", "reason": REASON, "last_good": "2026-11-23T15:00:00.000Z"}
HEALTH: dict[str, Any] = {
    "time": "2026-11-23T16:00:00.000Z",
    "clock": "synced",
    "gateway": "greenhouse",
    "version": "0.1.0",
    "uptime_s": 259_200,
    "interval_s": 60.0,
    "link": {"state": "connected", "since": "2026-11-20T16:00:00.000Z", "reason": "", "protocol": "5"},
    "reconnects": 0,
    "buffered": 0,
    "oldest": None,
    "full_in_s": None,
    "lost_total": 0,
    "lost": {"limit": 0},
    "alarms": [],
    "sensor_counts": {"starting": 0, "online": 2, "degraded": 0, "offline": 0},
    "buses": {"i2c1": {"state": "alive", "load": 0.021, "error_rate": 0.0, "missed": 0, "put_off": 0}},
    "sensors": {"attic": ONLINE, "bench": ONLINE},
}


def answer(*, is_fresh: bool = True, **more: Any) -> dict[str, Any]:
    return {"answer": "status", "is_fresh": is_fresh, "health": {**HEALTH, **more}}


def shown(told: dict[str, Any], width: int = 100, height: int | None = None) -> list[str]:
    return page(verdict_of(told, NOW), told["health"], width=width, height=height)


def test_one_that_is_well_says_so_first() -> None:
    lines = shown(answer())
    assert lines[0] == "greenhouse is well: all 2 sensors online, connected for 3 days, nothing waits"
    text = "\n".join(lines)
    assert "attic  online  good 3 seconds ago" in text
    assert "i2c1  alive, busy 2% of the time" in text
    assert "outbox    nothing waits" in text


@pytest.mark.parametrize(
    ("told", "verdict", "why"),
    [
        (answer(), Verdict.WELL, "all 2 sensors online"),
        (answer(lost_total=7), Verdict.BAD, "7 events lost since its start"),
        (answer(alarms=["outbox_room"]), Verdict.BAD, "alarm outbox_room"),
        (answer(alarms=["bus_ended"]), Verdict.DEGRADED, "alarm bus_ended"),
        (answer(sensors={"attic": GONE, "bench": ONLINE}), Verdict.DEGRADED, "1 of 2 sensors not online (attic)"),
        (answer(sensors={"attic": GONE, "bench": GONE}), Verdict.BAD, "all its 2 sensors are offline (attic, bench)"),
        (answer(clock="unsynced"), Verdict.DEGRADED, "clock not set"),
        (answer(configuration="the file has 1 fault"), Verdict.DEGRADED, "the file has 1 fault"),
        (answer(is_fresh=False), Verdict.BAD, "its publisher does not answer: all this is 0 seconds old"),
        (
            answer(link={"state": "refused", "since": "2026-11-23T15:50:00.000Z", "reason": "wrong password"}),
            Verdict.DEGRADED,
            "no connection to the broker for 10 minutes (wrong password)",
        ),
        (answer(sensors={}, sensor_counts={"online": 0}), Verdict.DEGRADED, "no sensors yet"),
        (answer(buffered=5, oldest="2026-11-23T15:00:00.000Z", full_in_s=3600), Verdict.DEGRADED, "room lasts 1.0 h"),
        (answer(buffered=5, full_in_s=0), Verdict.BAD, "no room is left on flash"),
    ],
)
def test_the_verdict_is_of_three_and_says_why(told: dict[str, Any], verdict: Verdict, why: str) -> None:
    judged = verdict_of(told, NOW)
    assert judged.verdict is verdict
    assert why in judged.line
    assert judged.line.startswith(verdict.name.lower())
    assert "\n" not in judged.line


def test_what_has_a_sentence_is_not_told_by_the_name_of_its_alarm_too() -> None:
    refused = {"state": "refused", "since": "2026-11-23T15:50:00.000Z", "reason": "wrong password"}
    told = answer(
        alarms=["broker_refused", "bus_ended", "configuration"], configuration="the file has 1 fault", link=refused
    )
    assert verdict_of(told, NOW).why == (
        "alarm bus_ended",
        "the file has 1 fault",
        "no connection to the broker for 10 minutes (wrong password)",
    )


def test_the_sensor_that_is_gone_comes_first_with_its_reason_and_its_age() -> None:
    told = answer(sensors={"attic": ONLINE, "bench": GONE})
    lines = [line for line in shown(told, width=160) if "bench" in line or "attic" in line]
    assert "bench  offline  good 60 minutes ago" in lines[1]
    assert REASON in lines[1]
    assert "attic  online" in lines[2]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    told = answer(
        sensors={"attic": ONLINE, "a-rather-long-name": GONE}, alarms=["bus_hung", "outbox_room"], lost_total=3
    )
    assert max(map(len, shown(told, width=width))) <= width


def test_many_sensors_that_are_online_give_way_to_those_that_are_not() -> None:
    sensors: dict[str, Any] = {f"s{number:02}": ONLINE for number in range(60)} | {"z": GONE}
    lines = shown(answer(sensors=sensors), height=24)
    assert len(lines) <= 24
    assert any("z" in line and "offline" in line for line in lines)
    assert any("more that are online" in line for line in lines)
    assert sum("  online  " in line for line in shown(answer(sensors=sensors))) == 60


@pytest.mark.parametrize(
    ("recovery", "told"),
    [
        (None, ""),
        ({"runs": 0, "failures": 0, "reason": ""}, ""),
        ({"runs": 1, "failures": 0, "reason": ""}, "recover command ran 1 time"),
        (
            {"runs": 4, "failures": 2, "reason": "recover.command ended with exit code 1"},
            "recover command ran 4 times, 2 of them in vain (recover.command ended with exit code 1)",
        ),
    ],
)
def test_what_a_recover_command_came_to_stands_beside_its_bus(recovery: dict[str, Any] | None, told: str) -> None:
    bus = {**HEALTH["buses"]["i2c1"], "recovery": recovery}
    text = " ".join(line.strip() for line in shown(answer(buses={"i2c1": bus}), width=200))
    assert told in text
    assert ("recover" in text) is bool(told)


def test_what_waits_is_told_with_how_long_there_is_room() -> None:
    told = answer(buffered=1234, oldest="2026-11-23T15:48:00.000Z", full_in_s=147_600)
    assert "outbox    1,234 events wait, the oldest for 12 minutes; by size, the room lasts 41 hours" in shown(told)


def test_what_came_of_the_last_try_is_no_word_of_now() -> None:
    """A broker may be there again while the next try is minutes away."""
    reason = "at the last try: nobody listens on the broker's port"
    told = answer(link={"state": "connecting", "since": "2026-11-23T15:56:00.000Z", "reason": reason})
    assert f"link      connecting for 4 minutes ({reason})" in shown(told)
    assert f"no connection to the broker for 4 minutes ({reason})" in verdict_of(told, NOW).line


def test_one_of_a_kind_is_told_in_the_singular() -> None:
    told = " ".join(shown(answer(reconnects=1, buses={"wire": {"state": "alive", "missed": 1, "put_off": 2}})))
    assert "reconnected 1 time since the start" in told
    assert "1 deadline missed, 2 events put off" in told


def test_how_the_life_before_ended_is_told_and_nothing_where_nothing_is_known() -> None:
    past = {"starts": 12, "starts_this_boot": 3, "ended": "machine", "reason": "", "noted": "2026-11-23T15:00:00.000Z"}
    text = " ".join(line.strip() for line in shown(answer(past=past)))
    assert "running for 3 days; start 12, 3 of them since the machine started" in text
    assert "before    it ended with the machine: a power cut, a reset," in text
    assert "last note at 2026-11-23T15:00:00.000Z" in text
    assert not any(line.startswith("before") for line in shown(answer(past={**past, "ended": None})))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*HEALTH]), json_values), st.integers(1, 200), st.none() | st.integers(1, 50))
def test_whatever_a_gateway_of_another_version_says_there_is_a_page_that_no_terminal_obeys(
    health: dict[str, Any], width: int, height: int | None
) -> None:
    told = json.loads(json.dumps(answer(**health)))
    judged = verdict_of(told, NOW)
    lines = page(judged, told["health"], width=width, height=height)
    assert all(line.isprintable() for line in [*lines, judged.line])
