"""The page of metrics: read by an independent parser, it says what the health value says."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from proving.examples import examples

from sensor_gateway.model.vitals.bus_report import BusState
from sensor_gateway.model.vitals.gateway_health import GatewayAlarm, Health, RecoveryCondition
from sensor_gateway.model.vitals.moment import Rfc3339
from sensor_gateway.service.metrics.exposition import exposition, labels
from sensor_gateway.service.metrics.families import FAMILIES

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(page: bytes) -> Samples:
    """What the parser of Prometheus' own client library finds, by name and labels."""
    assert page.endswith(b"\n")
    found: Samples = {}
    for family in text_string_to_metric_families(page.decode("utf-8")):
        assert family.documentation
        for sample in family.samples:
            key = (sample.name.removeprefix("sensor_gateway_"), frozenset(sample.labels.items()))
            assert key not in found, "one series twice"
            found[key] = sample.value
    return found


def value(samples: Samples, name: str, **pairs: str) -> float | None:
    return samples.get((name, frozenset(pairs.items())))


def page_of(health: Health) -> Samples:
    return read(exposition(FAMILIES, health))


def test_the_runs_of_a_recover_command_are_told_and_nothing_where_there_is_none(greenhouse: Health) -> None:
    name = "bus_recover_runs_total"
    assert value(page_of(greenhouse), name, bus="i2c1") is None
    at = Rfc3339("1970-01-02T00:00:00.500Z")
    bus = replace(greenhouse.buses["i2c1"], recovery=RecoveryCondition(runs=7, failures=3, last=at))
    found = page_of(replace(greenhouse, buses={"i2c1": bus}))
    assert value(found, name, bus="i2c1") == 7
    assert value(found, "bus_recover_failed_runs_total", bus="i2c1") == 3
    assert value(found, "bus_recover_last_timestamp_seconds", bus="i2c1") == 86400.5


def test_each_figure_of_a_gateway_stands_under_its_name(greenhouse: Health) -> None:
    """The expected values are those that the health value was made of, each of them another one."""
    at_s = datetime(2026, 11, 23, 16, 0, 0, 123_000, tzinfo=UTC).timestamp()
    found = page_of(greenhouse)
    expected = {
        "health_timestamp_seconds": at_s,
        "uptime_seconds": 60,
        "starts_total": 1,
        "written_bytes_total": 18,
        "link_since_timestamp_seconds": at_s,
        "reconnects_total": 11,
        "buffered_events": 12,
        "oldest_event_timestamp_seconds": at_s,
        "buffer_room_seconds": 13,
        "sent_events_total": 14,
        "acknowledged_events_total": 15,
        "no_subscriber_events_total": 16,
        "purged_events_total": 17,
    }
    assert {name: value(found, name) for name in expected} == expected
    assert value(found, "info", gateway="greenhouse", version="0.1.0", python="3.11.7") == 1
    assert value(found, "link_info", protocol="5") == 1
    assert value(found, "lost_events_total", cause="limit") == 10
    assert value(found, "lost_events_total", cause="quarantine") == 20
    assert value(found, "commands_total", result="refused") == 3
    assert value(found, "sensors", state="offline") == 1


def test_each_figure_of_a_bus_and_a_sensor_bears_its_name(greenhouse: Health) -> None:
    found = page_of(greenhouse)
    figures = {
        "silent": 1,
        "load_ratio": 0.25,
        "error_ratio": None,
        "transfers_total": 5,
        "failed_transfers_total": 4,
        "missed_deadlines_total": 3,
        "put_off_news_total": 2,
    }
    assert {name: value(found, f"bus_{name}", bus="i2c1") for name in figures} == figures
    assert value(found, "sensor_polls_total", sensor="attic") == 9
    assert value(found, "sensor_failed_polls_total", sensor="attic") == 7
    assert value(found, "sensor_fault", sensor="attic", code="nack") == 1
    assert value(found, "sensor_last_good_timestamp_seconds", sensor="attic") is None


def test_a_state_is_one_for_what_holds_and_zero_for_all_else(greenhouse: Health) -> None:
    found = page_of(greenhouse)
    states = {state.value: value(found, "bus_state", bus="i2c1", state=state.value) for state in BusState}
    assert states == {"alive": 0, "hung": 1, "ended": 0}
    alarms = {alarm: value(found, "alarm", alarm=alarm.value) for alarm in GatewayAlarm}
    assert alarms == {alarm: int(alarm is GatewayAlarm.BUS_HUNG) for alarm in GatewayAlarm}
    assert value(found, "sensor_state", sensor="attic", state="offline") == 1
    assert value(found, "sensor_state", sensor="attic", state="online") == 0


def test_counters_and_nothing_else_end_in_total() -> None:
    assert all((family.kind == "counter") is family.name.endswith("_total") for family in FAMILIES)


@given(data=st.data())
@settings(max_examples=examples(30), deadline=None)
def test_any_health_is_read_back_whole(any_health: st.SearchStrategy[Health], data: Any) -> None:
    """Names in any letters come back as they were, and no figure is lost, doubled or rounded beyond a float."""
    health = data.draw(any_health)
    found = page_of(health)
    assert {dict(pairs)["sensor"] for name, pairs in found if name == "sensor_polls_total"} == set(health.sensors)
    assert {dict(pairs)["bus"] for name, pairs in found if name == "bus_transfers_total"} == set(health.buses)
    for name, one in health.sensors.items():
        assert value(found, "sensor_polls_total", sensor=name) == one.polls
        assert value(found, "sensor_state", sensor=name, state=one.state.value) == 1
    for name, bus in health.buses.items():
        assert value(found, "bus_load_ratio", bus=name) == bus.load
        assert value(found, "bus_transfers_total", bus=name) == bus.transfers
    assert value(found, "buffer_room_seconds") == health.full_in_s
    assert value(found, "written_bytes_total") == health.bytes_written.total


@given(data=st.data())
@settings(max_examples=examples(30), deadline=None)
def test_the_number_of_series_grows_with_the_configuration_alone(
    any_health: st.SearchStrategy[Health], data: Any
) -> None:
    health = data.draw(any_health)
    assert len(page_of(health)) <= 49 + 10 * len(health.buses) + 9 * len(health.sensors)


def test_what_cannot_be_said_in_utf_8_is_still_a_page(greenhouse: Health) -> None:
    found = page_of(replace(greenhouse, buses={"\udcff": greenhouse.buses["i2c1"]}))
    assert value(found, "bus_transfers_total", bus="?") == 5


def test_a_reader_that_does_not_undo_the_escapes_is_told_from_one_that_does() -> None:
    """The control: text that is not escaped is not read back."""
    name = 'a"b\\n\nc'
    told = f"x{labels(bus=name)} 1\n"
    assert next(iter(text_string_to_metric_families(told))).samples[0].labels == {"bus": name}
    with pytest.raises((ValueError, StopIteration)):
        next(iter(text_string_to_metric_families(f'x{{bus="{name}"}} 1\n')))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (apt: prometheus)")
def test_prometheus_own_tool_has_nothing_to_find_fault_with(greenhouse: Health) -> None:
    page = exposition(FAMILIES, greenhouse)
    command = ["promtool", "check", "metrics"]
    ended = subprocess.run(command, input=page, capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, b"")
