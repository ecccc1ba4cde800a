"""A metrics desk behind a server whose turns the test takes, on a clock that the test moves."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import strategies as st
from proving.visited import FakeClock, FakeExamined, FakeLog

from sensor_gateway.model.event_json import rfc3339
from sensor_gateway.model.health import Availability
from sensor_gateway.model.reading import ClockState, FailureCode
from sensor_gateway.model.vitals.bus_report import BusState
from sensor_gateway.model.vitals.gateway_health import (
    BusCondition,
    BytesWritten,
    CommandCounts,
    GatewayAlarm,
    Health,
    LinkHealth,
    LinkState,
    LostEvents,
    SensorCondition,
    SensorCounts,
)
from sensor_gateway.model.vitals.moment import Rfc3339
from sensor_gateway.publishing.bell import Bell
from sensor_gateway.service.control.socket_file import connect, listen
from sensor_gateway.service.metrics.desk import MetricsDesk, manners_of
from sensor_gateway.service.visitors.server import VisitorServer

AT = Rfc3339("2026-11-23T16:00:00.123Z")
ILL = SensorCondition(
    state=Availability.OFFLINE,
    code=FailureCode.NACK,
    reason="no answer",
    since=AT,
    last_good=None,
    polls=9,
    failures=7,
    failures_before=100,
)

_COUNTS = st.integers(0, 2**53)
_NAMES = st.text(max_size=12)
_SHARES = st.none() | st.floats(0, 1)
_MOMENTS = st.integers(0, 253_402_300_799_999).map(lambda wall_ms: Rfc3339(rfc3339(wall_ms)))
_BUSES = st.builds(
    BusCondition,
    state=st.sampled_from(BusState),
    reason=st.text(max_size=5),
    load=_SHARES,
    error_rate=_SHARES,
    transfers=_COUNTS,
    errors=_COUNTS,
    missed=_COUNTS,
    put_off=_COUNTS,
)
_SENSORS = st.builds(
    SensorCondition,
    state=st.sampled_from(Availability),
    code=st.none() | st.sampled_from(FailureCode),
    reason=st.text(max_size=5),
    since=_MOMENTS,
    last_good=st.none() | _MOMENTS,
    polls=_COUNTS,
    failures=_COUNTS,
)


def health(gateway: str = "greenhouse") -> Health:
    bus = BusCondition(
        state=BusState.HUNG, reason="gone", load=0.25, error_rate=None, transfers=5, errors=4, missed=3, put_off=2
    )
    return Health(
        time=AT,
        clock=ClockState.SYNCED,
        gateway=gateway,
        instance="0123abcd",
        boot="1b4e28ba",
        version="0.1.0",
        python="3.11.7",
        uptime_s=60,
        interval_s=60.0,
        link=LinkHealth(state=LinkState.CONNECTED, since=AT, reason="", protocol="5"),
        reconnects=11,
        buffered=12,
        oldest=AT,
        full_in_s=13,
        sent=14,
        acknowledged=15,
        no_subscriber=16,
        lost_total=30,
        lost=LostEvents(limit=10, quarantine=20),
        purged=17,
        bytes_written=BytesWritten(total=18, per_day=None),
        alarms=(GatewayAlarm.BUS_HUNG,),
        commands=CommandCounts(done=1, failed=2, refused=3),
        sensor_counts=SensorCounts(offline=1),
        buses={"i2c1": bus},
        sensors={"attic": ILL},
    )


@pytest.fixture
def greenhouse() -> Health:
    """A gateway of which every figure is another one."""
    return health()


@pytest.fixture(scope="session")
def any_health() -> st.SearchStrategy[Health]:
    """Whatever a gateway may be: names in any letters, figures of any size, known or not."""
    return st.builds(
        Health,
        time=_MOMENTS,
        clock=st.sampled_from(ClockState),
        gateway=_NAMES,
        instance=st.just("i"),
        boot=st.just("b"),
        version=_NAMES,
        python=_NAMES,
        uptime_s=_COUNTS,
        interval_s=st.none(),
        link=st.builds(
            LinkHealth,
            state=st.sampled_from(LinkState),
            since=_MOMENTS,
            reason=st.just(""),
            protocol=st.sampled_from((None, "5", "3.1.1")),
        ),
        reconnects=_COUNTS,
        buffered=_COUNTS,
        oldest=st.none() | _MOMENTS,
        full_in_s=st.none() | _COUNTS,
        sent=_COUNTS,
        acknowledged=_COUNTS,
        no_subscriber=_COUNTS,
        lost_total=_COUNTS,
        lost=st.builds(LostEvents, limit=_COUNTS, unknown=_COUNTS),
        purged=_COUNTS,
        bytes_written=st.builds(BytesWritten, total=st.none() | _COUNTS, per_day=st.none()),
        alarms=st.lists(st.sampled_from(GatewayAlarm), unique=True).map(tuple),
        commands=st.none() | st.builds(CommandCounts, done=_COUNTS, failed=_COUNTS, refused=_COUNTS),
        sensor_counts=st.builds(SensorCounts, online=_COUNTS),
        buses=st.dictionaries(_NAMES, _BUSES, max_size=2),
        sensors=st.dictionaries(_NAMES, _SENSORS, max_size=2),
    )


class House:
    def __init__(self, directory: Path) -> None:
        self.file = directory / "door.sock"
        self.clock, self.examined, self.log = FakeClock(), FakeExamined(), FakeLog()
        self.woken = 0
        bell = Bell()
        self.desk = MetricsDesk(self.examined, wake_publisher=self._wake, ring=bell.ring)
        self.listener = listen(self.file)
        manners = manners_of(self.desk)
        self.server = VisitorServer("metrics", self.listener, manners, bell=bell, clock=self.clock, log=self.log)
        self.clients: list[socket.socket] = []

    def _wake(self) -> None:
        self.woken += 1

    def client(self, said: bytes = b"") -> socket.socket:
        connection = connect(self.file, 5.0)
        connection.settimeout(0)
        self.clients.append(connection)
        if said:
            connection.sendall(said)
        return connection

    def turns(self, number: int = 5, *, passed_s: float = 0.0) -> None:
        self.clock.now_s += passed_s
        for _ in range(number):
            self.server.step(0.0)

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self.server.stop()
        self.server.run()
        self.listener.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()
