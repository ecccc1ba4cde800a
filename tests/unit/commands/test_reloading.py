"""A reload that somebody asks for through the broker: done by the main thread, answered by the publisher's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import pytest
from proving.logs import Journal

from sensor_gateway.service.commands.desk import CommandDesk
from sensor_gateway.service.commands.judge import ANSWER_WITHIN_S, CommandLimits
from sensor_gateway.service.commands.reloading import REST_S, ReloadCommand
from sensor_gateway.service.reload_requests.answer import Outcome, ReloadAnswer


@dataclass
class Main:
    """The main thread, as far as it is asked."""

    rings: int = 0
    wakes: int = 0

    def ring(self) -> None:
        self.rings += 1

    def wake(self) -> None:
        self.wakes += 1


Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def reloads() -> ReloadCommand:
    return ReloadCommand()


@pytest.fixture
def main(reloads: ReloadCommand) -> Main:
    main = Main()
    reloads.open(ring=main.ring, wake=main.wake)
    return main


@pytest.fixture
def desk(limits: CommandLimits, reloads: ReloadCommand) -> CommandDesk:
    return CommandDesk(replace(limits, allowed=("reload",)), {"reload": reloads}, log=Journal())


@pytest.fixture
def ask(desk: CommandDesk, request_in: Callable[..., Any], stamp_at: Callable[..., Any]) -> Ask:
    def ask(payload: object, now_s: float = 0.0) -> list[dict[str, Any]]:
        return [json.loads(reply.payload) for reply in desk.hear(request_in(payload, "reload"), now_s, stamp_at(now_s))]

    return ask


def told(desk: CommandDesk, stamp_at: Callable[..., Any], now_s: float = 0.0) -> list[dict[str, Any]]:
    return [json.loads(reply.payload) for reply in desk.tend(now_s, stamp_at(now_s))]


def test_the_main_thread_is_told_and_its_answer_goes_back(
    desk: CommandDesk, reloads: ReloadCommand, main: Main, ask: Ask, stamp_at: Any
) -> None:
    assert desk.reloads is reloads
    assert ask({"transaction": "t1"}) == []
    assert main.rings == 1
    assert told(desk, stamp_at) == []
    reloads.serve(lambda: ReloadAnswer(outcome=Outcome.CHANGED, changes=("sensor attic was added",), notes=("n",)))
    assert main.wakes == 1
    assert told(desk, stamp_at) == [
        {
            "command": "reload",
            "transaction": "t1",
            "result": "done",
            "outcome": "changed",
            "changes": ["sensor attic was added"],
            "notes": ["n"],
        }
    ]
    assert desk.wait_s(0.0) == inf


def test_what_nobody_asked_for_is_not_done(reloads: ReloadCommand, main: Main) -> None:
    reloads.serve(lambda: pytest.fail("nobody asked"))
    assert main.wakes == 0


def test_a_faulty_file_is_answered_with_its_faults_and_no_more_than_anybody_reads(
    desk: CommandDesk, reloads: ReloadCommand, main: Main, ask: Ask, stamp_at: Any
) -> None:
    ask({})
    problems = tuple(f"gateway.yaml:{line}:1 sensors: {'x' * 1000}" for line in range(1000))
    reloads.serve(lambda: ReloadAnswer(outcome=Outcome.FAULTY, problems=problems))
    (answer,) = told(desk, stamp_at)
    assert (answer["result"], answer["code"], answer["outcome"]) == ("failed", "faulty", "faulty")
    assert answer["reason"].startswith("gateway.yaml:0:1 ")
    assert len(answer["problems"]) == 20
    assert len(json.dumps(answer)) < 10_000


def test_reloads_are_begun_apart_and_one_at_a_time(
    desk: CommandDesk, reloads: ReloadCommand, main: Main, ask: Ask, stamp_at: Any
) -> None:
    ask({})
    assert ask({}, REST_S + 1)[0]["code"] == "busy"
    reloads.serve(lambda: ReloadAnswer(outcome=Outcome.UNCHANGED))
    assert len(told(desk, stamp_at, 1.0)) == 1
    assert ask({}, REST_S - 0.1)[0]["code"] == "busy"
    assert ask({}, REST_S) == []
    assert main.rings == 2


def test_before_the_gateway_has_started_it_is_busy(ask: Ask) -> None:
    assert ask({})[0]["code"] == "busy"


def test_it_has_no_arguments(main: Main, ask: Ask) -> None:
    assert ask({"file": "/etc/passwd"})[0]["code"] == "bad_argument"
    assert main.rings == 0


def test_a_reload_that_takes_too_long_is_told_of_and_its_late_answer_is_nobody_elses(
    desk: CommandDesk, reloads: ReloadCommand, main: Main, ask: Ask, stamp_at: Any
) -> None:
    ask({"transaction": "slow"})
    assert desk.wait_s(0.0) == ANSWER_WITHIN_S
    (answer,) = told(desk, stamp_at, ANSWER_WITHIN_S)
    assert (answer["transaction"], answer["code"]) == ("slow", "timeout")
    ask({"transaction": "next"}, ANSWER_WITHIN_S)
    reloads._requests._answers.append((1, ReloadAnswer(outcome=Outcome.CHANGED)))
    assert told(desk, stamp_at, ANSWER_WITHIN_S) == []
    reloads.serve(lambda: ReloadAnswer(outcome=Outcome.UNCHANGED))
    assert [answer["outcome"] for answer in told(desk, stamp_at, ANSWER_WITHIN_S)] == ["unchanged"]
