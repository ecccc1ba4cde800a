"""Commands through mosquitto from somebody who means harm: what he sends is refused, and the gateway goes on."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("mosquitto_passwd") is None, reason="needs mosquitto"),
]

COMMAND = "sensors/v1/greenhouse/command/"
HOSTILE = (
    b"[" * 3000, b'{"sensor":' * 300, b"\xff\xfe", b"", b"NaN", b'{"sensor": NaN}', b"9" * 5000, b"x" * 100_000,
    b'{"sensor": "\\ud800"}', b'{"sensor": {"a": 1}}', b'{"transaction": [1]}', b'{"expires": "9999-99-99T99:99:99Z"}',
)  # fmt: skip


def test_a_flood_of_hostile_requests_is_refused_and_a_good_one_is_answered(
    house: Any, operator: Any, wait_until: Callable[..., None]
) -> None:
    wait_until(lambda: len(house.named("sensor_first_reading")) == 2)
    for number in range(6000):
        operator.ask(("read", "log-level", "restart")[number % 3], HOSTILE[number % len(HOSTILE)])
    pause = threading.Event()
    for _ in range(30):  # hostile ones that are whole objects use up the limit of those that run, too
        operator.ask("read", {"sensor": "attic", "transaction": "good"})
        pause.wait(1.0)
        if any(answer["result"] == "done" for answer in operator.named("good")):
            break
    assert operator.named("good")[-1]["channels"]["temperature"]["quality"] == "good"
    assert len(house.named("command_refused")) < 100
    assert not house.named("listener_failed")
    began = len(operator.seqs)
    wait_until(lambda: len(operator.seqs) > began)
    assert sorted(set(operator.seqs)) == list(range(min(operator.seqs), max(operator.seqs) + 1))
    code, _ = house.gateway.terminate()
    assert code == 0


def test_a_command_that_waited_retained_is_not_carried_out_at_any_connection(
    house: Any, operator: Any, wait_until: Callable[..., None]
) -> None:
    operator.ask("log-level", {"level": "debug", "transaction": "kept"}, retain=True)
    wait_until(lambda: len(house.named("sensor_first_reading")) == 2)
    accepted, refused = len(house.named("command_accepted")), len(house.named("command_refused"))
    house.gateway.terminate()
    house.gateway.start()
    wait_until(lambda: len(house.named("command_refused")) > refused)
    assert house.named("command_refused")[-1]["code"] == "retained"
    operator.ask("read", {"sensor": "attic", "transaction": "live"})
    wait_until(lambda: bool(operator.named("live")))
    assert len(house.named("command_accepted")) == accepted + 1


def test_the_same_transaction_twice_runs_once(house: Any, operator: Any, wait_until: Callable[..., None]) -> None:
    wait_until(lambda: len(house.named("sensor_first_reading")) == 2)
    for _ in range(3):
        operator.ask("read", {"sensor": "attic", "transaction": "once"})
    operator.ask("read", {"sensor": "attic", "transaction": "then"})
    wait_until(lambda: bool(operator.named("then")))
    assert len(operator.named("once")) == 1
    assert [entry["transaction"] for entry in house.named("command_accepted")] == ["once", "then"]


def test_an_answer_is_not_sent_where_it_would_command_the_gateway_again(
    house: Any, operator: Any, wait_until: Callable[..., None]
) -> None:
    """A loop, if it were: the answer to each request would be the next one."""
    if not operator.is_v5:
        pytest.skip("3.1.1 has no response topics")
    wait_until(lambda: len(house.named("sensor_first_reading")) == 2)
    operator.ask("read", {"sensor": "attic"}, response_topic=COMMAND + "read")
    wait_until(lambda: bool(operator.answers))
    assert operator.answers[0]["code"] == "response_topic"
    assert not house.named("command_accepted")
    assert len(house.named("command_refused")) == 1
