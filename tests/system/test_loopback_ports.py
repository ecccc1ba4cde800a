"""The ports that a local broker is given: two programs that look for one at the same time never find the same."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sensor_gateway.model.errors import OperatorError
from sensor_gateway.service.demonstration import loopback_ports
from sensor_gateway.service.demonstration.loopback_ports import BLOCK, LoopbackPorts


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[LoopbackPorts]]:
    """Two owners of ports where there are two blocks, of a name that nobody else claims."""
    monkeypatch.setattr(loopback_ports, "QUIET_PORTS", range(31000, 31000 + 2 * BLOCK))
    monkeypatch.setattr(loopback_ports, "_NAME", "\0a-test-of-the-ports-{}")
    owners = [LoopbackPorts(), LoopbackPorts()]
    yield owners
    for owner in owners:
        owner.close()


def test_two_owners_that_look_at_once_are_never_given_the_same_port(narrow: list[LoopbackPorts]) -> None:
    one, other = narrow
    taken = [owner.take() for _ in range(BLOCK // 2) for owner in (one, other)]
    assert len(set(taken)) == BLOCK


def test_a_port_that_another_program_listens_on_is_left_out(narrow: list[LoopbackPorts]) -> None:
    first = narrow[0].take()
    with socket.create_server(("127.0.0.1", first + 1)):
        assert narrow[0].take() == first + 2


def test_where_all_blocks_are_held_it_is_said_and_a_block_given_back_is_free(narrow: list[LoopbackPorts]) -> None:
    one, other = narrow
    one.take()
    other.take()
    with pytest.raises(OperatorError, match="no loopback port is free"):
        _ = [one.take() for _ in range(BLOCK + 1)]
    other.close()
    assert one.take()


def test_a_block_is_free_again_when_its_process_ended_by_whatever(narrow: list[LoopbackPorts]) -> None:
    program = (
        "import os, sys\n"
        "from sensor_gateway.service.demonstration import loopback_ports as ports\n"
        f"ports.QUIET_PORTS = range(31000, 31000 + {BLOCK})\n"
        "ports._NAME = '\\0a-test-of-the-ports-{}'\n"
        "ports.free_port()\n"
        "os.abort() if 'abort' in sys.argv else print(ports._OURS._claims)\n"
    )
    for how in ("abort", "end"):
        subprocess.run([sys.executable, "-c", program, how], check=how == "end", capture_output=True)
    assert len({owner.take() for owner in narrow}) == 2


def test_processes_take_blocks_at_random_although_every_test_begins_with_the_same_seed() -> None:
    firsts = []
    for _ in range(3):
        random.seed(1)
        owner = LoopbackPorts()
        firsts.append(owner.take())
        owner.close()
    assert len(set(firsts)) > 1, "two suites at once would find each other's blocks taken again and again"
