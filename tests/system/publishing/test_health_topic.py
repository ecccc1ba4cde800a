"""The health topic in virtual time, with the real survey: what is said, when, and what it costs in turns."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from proving.broker_bench import BrokerBench, real_outbox

from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.service.health.survey import HealthSurvey, Subject
from sensor_gateway.testing.fake_broker import Connack

pytestmark = [pytest.mark.system]

Benches = Callable[..., BrokerBench]


def said(table: BrokerBench) -> list[dict[str, Any]]:
    return [json.loads(packet.payload) for packet in table.broker.published("/health")]


def with_survey(table: BrokerBench, outbox: Outbox) -> HealthSurvey:
    subject = Subject(
        gateway="greenhouse",
        instance="i1",
        boot="1b4e28ba",
        version="0.1.0",
        python="3.11.7",
        sensors=("s0", "s1"),
        start=table.clock.stamp(),
        interval_s=60.0,
    )
    survey = HealthSurvey(subject, outbox=outbox, buses=list, written=lambda: 0)
    table.publisher.pulse = survey
    return survey


@pytest.fixture
def table(bench: Benches, make_outbox: Any) -> BrokerBench:
    table = bench(outbox=make_outbox)
    with_survey(table, table.outbox.inner)
    return table


def test_it_is_said_at_once_and_each_minute_or_a_turn_later(table: BrokerBench) -> None:
    table.run(600)
    uptimes = [message["uptime_s"] for message in said(table)]
    assert uptimes[0] == 0
    assert len(uptimes) in {10, 11}
    gaps = [later - before for before, later in pairwise(uptimes)]
    assert all(60 <= gap <= 66 for gap in gaps), gaps


def test_a_stream_of_readings_causes_no_message_and_no_turn(bench: Benches, tmp_path: Path) -> None:
    """Against the same publisher without a pulse: a turn for each answer of the broker, and none besides."""

    def turns(*, has_pulse: bool) -> tuple[int, int]:
        table = bench(outbox=lambda clock: real_outbox(tmp_path / str(has_pulse), clock))
        if has_pulse:
            with_survey(table, table.outbox.inner)
        table.every(1.0, table.put, times=300)
        table.run(300)
        return table.publisher.progress, len(said(table))

    without, nothing = turns(has_pulse=False)
    with_pulse, messages = turns(has_pulse=True)
    assert nothing == 0
    assert messages <= 6
    assert with_pulse - without <= 3 * messages


def test_a_sensor_that_changes_its_state_all_the_time_causes_a_message_each_five_seconds_at_most(
    table: BrokerBench,
) -> None:
    states = [Availability.ONLINE, Availability.DEGRADED]
    numbers = iter(range(10_000))

    def flap() -> None:
        state = SensorState(
            sensor="s0", state=states[next(numbers) % 2], code=None, reason="", since=table.clock.stamp()
        )
        table.basket.states = [*table.basket.states, state]

    table.every(0.2, flap, times=500)
    table.run(100)
    assert 10 <= len(said(table)) <= 21


def test_a_new_connection_is_told_at_once_with_what_happened_meanwhile(table: BrokerBench) -> None:
    table.run(10)
    before = said(table)
    table.broker.cut()
    table.run(5, lambda: len(said(table)) > len(before))
    found = said(table)[len(before)]
    assert (before[-1]["reconnects"], found["reconnects"]) == (0, 1)
    assert found["link"]["since"] > before[-1]["link"]["since"]


def test_while_there_is_no_connection_the_newest_value_says_so(bench: Benches, make_outbox: Any) -> None:
    table = bench(outbox=make_outbox, connack=Connack(reason=0x87))
    survey = with_survey(table, table.outbox.inner)
    table.run(30)
    assert said(table) == []
    assert survey.newest is not None
    assert survey.newest.link.state == "refused"
    assert survey.newest.alarms == ("broker_refused",)
