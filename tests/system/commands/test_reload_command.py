"""A configuration that is reloaded from afar: by the real daemon, through mosquitto."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("mosquitto_passwd") is None, reason="needs mosquitto"),
]

Wait = Callable[..., None]


def _asked(operator: Any, wait_until: Wait, name: str, transaction: str, **arguments: str) -> dict[str, Any]:
    operator.ask(name, {**arguments, "transaction": transaction})
    wait_until(lambda: bool(operator.named(transaction)))
    answer: dict[str, Any] = operator.named(transaction)[-1]
    return answer


def test_a_sensor_that_was_added_can_be_read_after_the_answer(house: Any, operator: Any, wait_until: Wait) -> None:
    wait_until(lambda: len(house.named("sensor_first_reading")) == 2)
    config = house.gateway.config
    assert _asked(operator, wait_until, "read", "before", sensor="new")["code"] == "unknown_sensor"
    config.write_text(config.read_text() + "  new: {driver: tmp1075, bus: wire, address: 0x4a, interval: 1h}\n")
    answer = _asked(operator, wait_until, "reload", "1")
    assert (answer["result"], answer["outcome"], answer["changes"]) == ("done", "changed", ["sensor new was added"])
    read = _asked(operator, wait_until, "read", "after", sensor="new")
    assert read["channels"]["temperature"]["quality"] == "good"
    assert not house.named("bus_thread_failed")


def test_a_faulty_file_is_answered_with_its_faults_and_nothing_changes(
    house: Any, operator: Any, wait_until: Wait
) -> None:
    wait_until(lambda: len(house.named("sensor_first_reading")) == 2)
    config = house.gateway.config
    config.write_text(config.read_text() + "  new: {driver: no-such-chip, bus: wire}\n")
    answer = _asked(operator, wait_until, "reload", "1")
    assert (answer["result"], answer["code"]) == ("failed", "faulty")
    assert "no-such-chip" in answer["problems"][0]
    assert "gateway.yaml:" in answer["reason"]
    assert _asked(operator, wait_until, "read", "2", sensor="attic")["result"] == "done"


def test_no_reload_widens_what_is_allowed(house: Any, operator: Any, wait_until: Wait) -> None:
    wait_until(lambda: len(house.named("sensor_first_reading")) == 2)
    config = house.gateway.config
    config.write_text(config.read_text().replace("per_minute: 30", "per_minute: 600"))
    answer = _asked(operator, wait_until, "reload", "1")
    assert (answer["result"], answer["code"]) == ("failed", "refused")
    assert "commands" in answer["reason"]
