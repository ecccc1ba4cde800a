"""A publisher whose plan changes: in which order what was said before and what is new are taken. Stepped by hand."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.publishing.delivery import PublishingChange, PublishingPlan
from sensor_gateway.publishing.retained.settlement import settle

pytestmark = [pytest.mark.system]


class Late:
    """An outlet whose thread still puts something while the publisher is on its way to it."""

    def __init__(self, before_take: Callable[[], None]) -> None:
        self.before_take = before_take
        self.states: list[SensorState] = []

    def take(self) -> tuple[list[ChangeEvent], list[SensorState]]:
        self.before_take()
        taken, self.states = self.states, []
        return [], taken


def without_s1(rig: Any) -> PublishingPlan:
    plan = rig.plan
    return dataclasses.replace(
        plan,
        sensors=plan.sensors[:1],
        channels=plan.channels[:1],
        meta=b'{"schema_version":1,"sensors":{}}',
        settlement=settle({plan.topics.availability("s1"): {}}, {}),
    )


def said_of(rig: Any, sensor: str) -> Any:
    topic = f"sensors/v1/greenhouse/availability/{sensor}"
    known = rig.publisher._delivery.herald.announcements._newest.get(topic)
    return None if known is None else json.loads(known.payload)


def online(rig: Any, sensor: str) -> SensorState:
    return SensorState(sensor=sensor, state=Availability.ONLINE, code=None, reason="", since=rig.clock.stamp())


def test_all_that_was_said_before_a_change_is_taken_before_it(rig: Any, free_port: int) -> None:
    """A state that is taken later would be kept retained for a sensor that is no more."""
    house = rig(free_port)
    house.publisher.step()
    house.basket.states = [online(house, "s0"), online(house, "s1")]
    house.publisher.change(PublishingChange(plan=without_s1(house), is_broker_changed=False, is_moving=False))
    house.publisher.step()
    assert house.publisher.changes == 1
    assert said_of(house, "s0")["state"] == "online"
    assert said_of(house, "s1")["state"] == "offline"
    assert "taken out" in said_of(house, "s1")["reason"]


def test_a_change_that_comes_while_outlets_are_looked_at_waits_for_the_next_turn(rig: Any, free_port: int) -> None:
    """Else what its thread put in between, before the change was ordered, would be taken after it."""
    house = rig(free_port)
    house.publisher.step()
    change = PublishingChange(plan=without_s1(house), is_broker_changed=False, is_moving=False)
    late = Late(lambda: None)

    def put_behind_its_back() -> None:
        late.before_take = lambda: None
        first.states = [online(house, "s1")]
        house.publisher.change(change)

    first = Late(lambda: None)
    late.before_take = put_behind_its_back
    house.publisher.outlets = (first, late)
    house.publisher.step()
    assert house.publisher.changes == 0
    house.publisher.step()
    assert house.publisher.changes == 1
    assert said_of(house, "s1")["state"] == "offline"


def test_a_change_of_the_broker_keeps_what_waits_and_counts_both_connections(rig: Any, broker: Any) -> None:
    broker.start()
    house = rig(broker.port).start()
    house.put_values(5)
    assert house.until_acknowledged(5)
    plan = dataclasses.replace(house.plan, broker=dataclasses.replace(house.plan.broker, client_id="greenhouse-2"))
    house.publisher.change(PublishingChange(plan=plan, is_broker_changed=True, is_moving=True))
    house.put_values(5, first=10.0)
    assert house.until_acknowledged(10)
    assert house.until(lambda: house.publisher.counters.connections == 2)
