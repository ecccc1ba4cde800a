"""When the service manager hears what. Time is passed in; the socket is real."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sensor_gateway.model.vitals.bus_report import BusReport, BusState
from sensor_gateway.model.vitals.gateway_health import Health
from sensor_gateway.service.bus_keeper import Life
from sensor_gateway.service.systemd.attendant import READY_WITHIN_S, Attendant
from sensor_gateway.service.systemd.notification import Notifier

REPORT = BusReport(
    bus="i2c1", state=BusState.ALIVE, load=None, error_rate=None, transfers=0, errors=0, missed=0, put_off=0, sensors=()
)


class Runner:
    progress = 0

    def run(self) -> None: ...

    def stop(self) -> None: ...


@dataclass
class Bus:
    name: str
    report: BusReport | None = None
    life: Life | None = None

    def __post_init__(self) -> None:
        self.life = Life(self.name, Runner(), 0)

    def turn(self) -> None:
        self.report = REPORT
        assert self.life is not None
        self.life.runner.progress += 1


@dataclass
class FakeGateway:
    turns: int = 0
    buses: list[Bus] = field(default_factory=lambda: [Bus("i2c1"), Bus("rs485")])
    health: Health | None = None
    configuration: str = ""


class Warnings:
    def __init__(self) -> None:
        self.events: list[str] = []

    def warning(self, event: str, /, **facts: object) -> None:
        self.events.append(event)

    debug = info = error = warning


class House:
    def __init__(self, path: Path, *, watchdog_s: float | None = 60.0) -> None:
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.heard.bind(str(path))
        self.heard.settimeout(0)
        self.gateway = FakeGateway()
        self.log = Warnings()
        self.now_s = 1000.0
        notifier = Notifier({"NOTIFY_SOCKET": str(path)})
        self.attendant = Attendant(notifier, self.gateway, watchdog_s=watchdog_s, log=self.log)

    def pass_time(self, seconds: float, *, publisher: bool = True, buses: tuple[int, ...] = (0, 1)) -> list[str]:
        """As the main thread looks, every five seconds; what was heard."""
        for _ in range(int(seconds / 5)):
            self.gateway.turns += publisher
            for bus in buses:
                self.gateway.buses[bus].turn()
            self.now_s += 5
            self.attendant.turn(self.now_s)
        return self.listen()

    def listen(self) -> list[str]:
        said = []
        while True:
            try:
                said += self.heard.recv(4096).decode().split("\n")
            except BlockingIOError:
                return said


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "notify")
    yield house
    house.heard.close()


def test_it_is_ready_when_the_publisher_and_each_bus_have_made_a_turn(house: House) -> None:
    assert house.attendant.turn(house.now_s) < 0.1
    house.gateway.turns += 1
    house.gateway.buses[0].turn()
    assert house.attendant.turn(house.now_s) < 0.1
    assert house.listen() == []
    house.gateway.buses[1].turn()
    assert house.attendant.turn(house.now_s) > 5
    assert house.listen() == ["READY=1", "STATUS=running", "WATCHDOG=1"]


def test_a_bus_that_hangs_as_it_is_opened_does_not_keep_it_from_being_ready(house: House) -> None:
    house.gateway.turns += 1
    house.attendant.turn(house.now_s)
    house.attendant.turn(house.now_s + READY_WITHIN_S - 0.1)
    assert house.listen() == []
    house.attendant.turn(house.now_s + READY_WITHIN_S)
    assert "READY=1" in house.listen()


def test_there_is_a_sign_of_life_well_within_the_time_while_all_go_on(house: House) -> None:
    house.pass_time(5)
    assert house.pass_time(60).count("WATCHDOG=1") == 3


def test_a_publisher_that_hangs_is_not_spoken_for(house: House) -> None:
    house.pass_time(5)
    assert "WATCHDOG=1" not in house.pass_time(300, publisher=False)
    assert "WATCHDOG=1" in house.pass_time(5), "and one that comes back is"


def test_before_the_watchdog_bites_it_is_told_who_stands_still(house: House) -> None:
    house.pass_time(5)
    assert house.attendant.complaint == ""
    house.pass_time(60)
    house.pass_time(30, publisher=False)
    assert house.attendant.complaint == "", "two thirds of the time, at least, are waited for"
    house.pass_time(25, publisher=False)
    assert "the publisher" in house.attendant.complaint
    house.pass_time(20)
    assert house.attendant.complaint == ""
    house.pass_time(55, buses=())
    assert "no bus" in house.attendant.complaint


def test_of_two_buses_one_may_hang_and_not_both(house: House) -> None:
    house.pass_time(5)
    assert "WATCHDOG=1" in house.pass_time(60, buses=(0,))
    assert "WATCHDOG=1" not in house.pass_time(300, buses=())


def test_without_a_watchdog_there_is_no_sign_of_life(tmp_path: Path) -> None:
    house = House(tmp_path / "notify", watchdog_s=None)
    assert house.pass_time(60) == ["READY=1", "STATUS=running"]
    assert house.log.events == []
    house.heard.close()


def test_a_watchdog_that_is_shorter_than_a_turn_of_a_bus_is_warned_of(tmp_path: Path) -> None:
    house = House(tmp_path / "notify", watchdog_s=10)
    assert house.log.events == ["watchdog_too_short"]
    house.gateway.buses.clear()
    house.gateway.turns += 1
    assert house.attendant.turn(0) == 2.5
    house.heard.close()


def test_the_status_is_told_when_it_changes_and_not_otherwise(house: House) -> None:
    house.pass_time(5)
    assert not [state for state in house.pass_time(60) if state.startswith("STATUS=")]
    house.gateway.configuration = "the configuration file has 1 fault"
    assert house.pass_time(60).count("STATUS=the configuration file has 1 fault") == 1


def test_a_reload_begins_and_ends_with_a_word(house: House) -> None:
    house.pass_time(5)
    house.attendant.reloading()
    reloading, moment = house.listen()
    assert reloading == "RELOADING=1"
    assert moment.startswith("MONOTONIC_USEC=")
    house.gateway.configuration = "cannot be used; the gateway goes on as it was"
    house.attendant.reloaded()
    assert house.listen() == ["READY=1", "STATUS=cannot be used"]


def test_a_reload_during_the_start_does_not_make_it_ready(house: House) -> None:
    house.attendant.turn(house.now_s)
    house.attendant.reloading()
    house.attendant.reloaded()
    assert house.listen() == []
    assert house.pass_time(5) == ["READY=1", "STATUS=running", "WATCHDOG=1"]


def test_a_stop_is_told(house: House) -> None:
    house.attendant.stopping("stopping")
    assert house.listen() == ["STOPPING=1", "STATUS=stopping"]


def test_where_nobody_listens_no_turn_is_asked_for() -> None:
    gateway = FakeGateway()
    attendant = Attendant(Notifier({}), gateway, watchdog_s=None, log=Warnings())
    assert attendant.turn(0) == float("inf")
