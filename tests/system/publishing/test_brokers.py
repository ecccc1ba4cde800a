"""What holds with which broker. Each test sees what one broker does, and the table says what it is to see.

``--brokers aedes,nats`` tries those that have to be installed first, ``--brokers all`` every one.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from proving.brokers.kinds import EVENTS, KINDS, Setting
from proving.brokers.process import BrokerProcess, Listener, publish_numbers, settled
from proving.brokers.table import always, expected

from sensor_gateway.service.demonstration.local_broker import Door

pytestmark = [pytest.mark.system]

Rigs = Callable[..., Any]
Listen = Callable[..., Listener]
Begin = Callable[..., BrokerProcess]
Through = Callable[[BrokerProcess], tuple[Any, Door]]

QUIET_TOPIC = "counted/numbers"
MORE_THAN_A_QUEUE = 1_200
"""Messages for an absent subscriber: more than mosquitto keeps by default."""

NOTE_S = 1.5
"""Until mosquitto has saved, where it is told to save each second."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "name" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("brokers")
        if metafunc.function.__name__.startswith("test_control"):
            names = ["mosquitto"]
        elif not chosen:
            names = always(metafunc.function.__name__)
        else:
            names = list(KINDS) if chosen == "all" else chosen.split(",")
        if strangers := set(names) - set(KINDS):
            raise pytest.UsageError(f"--brokers knows {', '.join(KINDS)} and all, not {', '.join(strangers)}")
        metafunc.parametrize("name", names)


@pytest.fixture
def begin(name: str, tmp_path: Path, free_port: int) -> Iterator[Begin]:
    """Starts the broker, set up as the test wants it."""
    made: list[BrokerProcess] = []

    def start(**setting: Any) -> BrokerProcess:
        made.append(BrokerProcess(KINDS[name], Setting(folder=tmp_path, port=free_port, **setting)))
        return made[-1].start()

    yield start
    for each in made:
        each.kill()


@pytest.fixture
def listen() -> Iterator[Listen]:
    made: list[Listener] = []

    def make(broker: BrokerProcess, **more: Any) -> Listener:
        name = f"listener{len(made)}"
        made.append(Listener(broker.port, name, is_v5=broker.kind.speaks_5, user=broker.user, **more))
        return made[-1]

    yield make
    for listener in made:
        listener.leave()


@pytest.fixture
def seen(request: pytest.FixtureRequest, name: str) -> Callable[[str], None]:
    """Compares what was seen with the table."""

    def compare(answer: str) -> None:
        assert answer == expected(request.function.__name__, name)

    return compare


@pytest.fixture
def gateway(rig: Rigs, name: str) -> Callable[..., Any]:
    """A publisher that speaks to the broker as docs/brokers.md says it should."""

    def start(broker: BrokerProcess, **more: Any) -> Any:
        return rig(broker.port, **{"version": KINDS[name].version, **more}).start()

    return start


@pytest.fixture
def through(rig: Rigs, name: str) -> Iterator[Through]:
    """A publisher that reaches the broker through a door, which can be shut."""
    doors: list[Door] = []

    def start(broker: BrokerProcess) -> tuple[Any, Door]:
        doors.append(Door(broker.port))
        doors[-1].open()
        return rig(doors[-1].port, version=KINDS[name].version).start(), doors[-1]

    yield start
    for door in doors:
        door.shut()


def test_which_protocol_is_found(begin: Begin, rig: Rigs, seen: Callable[[str], None]) -> None:
    gateway = rig(begin().port, version="auto").start()
    if gateway.until(gateway.log.names, 2):
        assert gateway.log.names() == ["broker_connected"]
        seen(f"MQTT {gateway.publisher.report.protocol}")
    else:
        seen("no answer: set `mqtt.version: '3.1.1'`")


def test_events_arrive_once_and_in_order(
    begin: Begin, gateway: Rigs, listen: Listen, seen: Callable[[str], None]
) -> None:
    broker = begin()
    listener = listen(broker)
    rig = gateway(broker)
    for start in range(0, 300, 10):
        rig.put_values(10, first=float(start))
        rig.until(lambda: not rig.basket.events)
    assert rig.until_acknowledged(300)
    assert rig.until(lambda: len(listener.seqs) >= 300)
    seen("yes" if listener.seqs == list(range(1, 301)) else "no")


def test_it_is_told_when_nobody_listens(begin: Begin, gateway: Rigs, seen: Callable[[str], None]) -> None:
    rig = gateway(begin())
    rig.put_values(20)
    assert rig.until_acknowledged(20)
    seen({20: "yes", 0: "no"}[rig.publisher.counters.no_subscriber])


def test_what_becomes_of_a_stream_that_is_denied(
    begin: Begin, gateway: Rigs, listen: Listen, seen: Callable[[str], None]
) -> None:
    broker = begin(denies=EVENTS)
    listener = listen(broker)
    rig = gateway(broker)
    rig.put_values(3)
    rig.until(
        lambda: len(rig.outbox.acknowledged) == 3 or "stream_denied" in rig.log.names(),
    )
    assert not listener.seqs
    if rig.outbox.acknowledged:
        assert len(rig.outbox.acknowledged) == 3
        seen("it says yes: lost in silence")
    else:
        assert not rig.quarantined
        is_lost = "broker_lost" in rig.log.names()
        seen("it hangs up: kept, with an alarm" if is_lost else "it says no: kept, with an alarm")


def test_who_comes_later_finds_status_meta_availability_and_states(
    begin: Begin, gateway: Rigs, listen: Listen, seen: Callable[[str], None]
) -> None:
    broker = begin()
    rig = gateway(broker)
    rig.put_values(1, first=20.0)
    rig.put_values(1, first=21.0, sensor=1)
    assert rig.until_acknowledged(2)
    listener = listen(broker)
    assert rig.until(lambda: len(listener.messages) >= 6)
    assert all(retained for _, _, retained in listener.messages)
    assert listener.last("/status")["state"] == "online"
    assert listener.last("/meta") == {"schema_version": 1}
    assert listener.last("/availability/s0")["state"] == "starting"
    assert listener.last("/state/s1/temperature")["value"] == 21.0
    seen("yes")


def test_a_state_expires_in_the_broker_by_itself(
    begin: Begin, gateway: Rigs, listen: Listen, seen: Callable[[str], None]
) -> None:
    broker = begin()
    rig = gateway(broker, lifetime_ms=1000)
    rig.put_values(1)
    assert rig.until_acknowledged(1)
    rig.publisher._link.session.drop()  # and nobody is left to say stale
    rig.publisher.stop()
    rig.thread.join(5)
    rig.until(lambda: False, 1.5)
    listener = listen(broker)
    rig.until(lambda: len(listener.messages) >= 3)
    settled(lambda: len(listener.messages), quiet_s=0.2)
    seen("no" if [b for b in listener.payloads("/state/s0/temperature") if b"stale" not in b] else "yes")


def _broken() -> None:
    raise RuntimeError("broken on purpose")


def test_how_soon_the_will_speaks_when_the_gateway_dies(
    begin: Begin, gateway: Rigs, listen: Listen, seen: Callable[[str], None]
) -> None:
    broker = begin()
    listener = listen(broker)
    rig = gateway(broker)
    rig.put_values(1)
    assert rig.until_acknowledged(1)
    assert rig.until(lambda: listener.seqs and listener.states("/status")), "aedes lets the will overtake"
    rig.basket.take = _broken
    rig.publisher.wake()
    rig.thread.join(5)
    assert rig.log.names()[-1] == "publisher_failed"
    if rig.until(lambda: "offline" in listener.states("/status"), 2):
        seen("at once")
    else:
        assert rig.until(lambda: "offline" in listener.states("/status"))
        seen("after 5 s")
    assert "since" not in listener.last("/status"), "the will cannot know since when"


def test_who_sees_that_a_connection_is_renewed(
    begin: Begin, gateway: Rigs, listen: Listen, seen: Callable[[str], None]
) -> None:
    broker = begin()
    listener = listen(broker)
    rig = gateway(broker)
    rig.put_values(1)
    assert rig.until_acknowledged(1)
    rig.until(lambda: listener.states("/status"))
    rig.publisher._link.session._client._client.socket().shutdown(socket.SHUT_RDWR)  # as a link that breaks
    assert rig.until(lambda: rig.log.names().count("broker_connected") == 2)
    assert rig.until(lambda: listener.states("/status")[-1] == "online")
    settled(lambda: len(listener.messages))
    assert listener.states("/status")[-1] == "online"
    seen("subscribers: offline, then online" if "offline" in listener.states("/status") else "nobody")


def test_a_clean_stop_is_seen_as_one_offline_and_stale_values(
    begin: Begin, gateway: Rigs, listen: Listen, seen: Callable[[str], None]
) -> None:
    broker = begin()
    listener = listen(broker)
    rig = gateway(broker)
    rig.put_values(1)
    assert rig.until_acknowledged(1)
    rig.stop()
    assert rig.until(lambda: "offline" in listener.states("/status"))
    settled(lambda: len(listener.messages), quiet_s=0.3)
    assert listener.states("/status") == ["online", "offline"]
    assert listener.last("/state/s0/temperature")["quality"] == "stale"
    seen("yes")


def _lost_over_a_kill(broker: BrokerProcess, gateway: Any, door: Door, listen: Listen, *, is_first: bool) -> int:
    """Events that the subscriber does not get. ``is_first``: it is back before the gateway is."""
    listener = listen(broker)
    for start in range(0, 50, 5):
        gateway.put_values(5, first=float(start))
    assert gateway.until_acknowledged(50)
    assert gateway.until(lambda: listener.seqs == list(range(1, 51)))
    broker.kill()
    assert gateway.until(lambda: "broker_lost" in gateway.log.names())
    door.shut()
    listener.leave()
    for start in range(50, 100, 5):
        gateway.put_values(5, first=float(start))
    assert gateway.until(lambda: gateway.outbox.pending == 50)
    broker.start()
    if is_first:
        listener.come()
    door.open()
    assert gateway.until_acknowledged(100)
    if not is_first:
        listener.come()
    settled(lambda: len(listener.seqs), least=100)
    return len(set(range(1, 101)) - set(listener.seqs))


def test_a_broker_that_is_killed_costs_no_event(
    begin: Begin, listen: Listen, through: Through, seen: Callable[[str], None]
) -> None:
    broker = begin()
    gateway, door = through(broker)
    lost = _lost_over_a_kill(broker, gateway, door, listen, is_first=True)
    later = listen(broker)
    assert gateway.until(lambda: later.payloads("/status")), "a broker without a store is told everything again"
    assert gateway.until(lambda: later.payloads("/state/s0/temperature"))
    assert later.last("/state/s0/temperature")["value"] == 99.0
    seen(str(lost or "none"))


def test_control_what_a_killed_broker_takes_before_the_subscriber_is_back_is_missed(
    begin: Begin, listen: Listen, through: Through
) -> None:
    broker = begin()
    gateway, door = through(broker)
    assert _lost_over_a_kill(broker, gateway, door, listen, is_first=False) == 50


def test_a_broker_that_stands_still_costs_no_event(
    begin: Begin, gateway: Rigs, listen: Listen, seen: Callable[[str], None]
) -> None:
    broker = begin()
    listener = listen(broker)
    rig = gateway(broker, ack_timeout_s=0.5)
    rig.put_values(5)
    assert rig.until_acknowledged(5)
    broker.send(signal.SIGSTOP)
    rig.put_values(5, first=5.0)
    assert rig.until(lambda: "broker_lost" in rig.log.names())
    broker.send(signal.SIGCONT)
    assert rig.until_acknowledged(10)
    assert rig.until(lambda: set(listener.seqs) == set(range(1, 11)))
    assert not rig.quarantined
    seen("none")


def _numbers(listener: Listener) -> list[int]:
    return [int(body) for body in listener.payloads(QUIET_TOPIC)]


def _kept_for_an_absent_subscriber(broker: BrokerProcess, listen: Listen) -> str:
    listener = listen(broker, topic=QUIET_TOPIC, lasting=True)
    listener.leave()
    publish_numbers(broker, QUIET_TOPIC, MORE_THAN_A_QUEUE)
    listener.come()
    settled(lambda: len(listener.messages), quiet_s=1.0, least=MORE_THAN_A_QUEUE)
    numbers = sorted(set(_numbers(listener)))
    if numbers == list(range(MORE_THAN_A_QUEUE)):
        return "all"
    assert numbers == list(range(len(numbers))), "what is lost has holes"
    return f"the first {len(numbers)} of {MORE_THAN_A_QUEUE}" if numbers else "nothing"


def test_what_it_keeps_for_an_absent_subscriber(begin: Begin, listen: Listen, seen: Callable[[str], None]) -> None:
    seen(_kept_for_an_absent_subscriber(begin(), listen))


def test_what_it_keeps_for_an_absent_subscriber_as_advised(
    begin: Begin, listen: Listen, seen: Callable[[str], None]
) -> None:
    seen(_kept_for_an_absent_subscriber(begin(is_advised=True), listen))


def _kept_over_a_kill(broker: BrokerProcess, listen: Listen, *, after_s: float) -> str:
    listener = listen(broker, topic=QUIET_TOPIC, lasting=True)
    listener.leave()
    publish_numbers(broker, QUIET_TOPIC, 100)
    settled(lambda: 0, quiet_s=after_s)
    broker.kill()
    broker.start()
    listener.come()
    count = settled(lambda: len(set(_numbers(listener))), quiet_s=1.0, least=100)
    return {100: "all", 0: "nothing"}[count]


def test_what_it_keeps_over_a_kill(begin: Begin, listen: Listen, seen: Callable[[str], None]) -> None:
    seen(_kept_over_a_kill(begin(), listen, after_s=0.0))


def test_what_it_keeps_over_a_kill_as_advised(begin: Begin, listen: Listen, seen: Callable[[str], None]) -> None:
    seen(_kept_over_a_kill(begin(is_advised=True), listen, after_s=NOTE_S))
