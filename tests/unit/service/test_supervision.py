"""The supervisor against runners that end, hang and come back. Threads are real; time is passed in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from sensor_gateway.model.event import Reason
from sensor_gateway.model.health import Availability
from sensor_gateway.model.vitals.bus_report import BusReport, BusState, SensorTally
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.poller import BusChange
from sensor_gateway.sensing.polling.enquiries import Enquiries
from sensor_gateway.sensing.polling.knowledge import ReadAnswer, ReadRequest
from sensor_gateway.sensing.polling.loan import Loan
from sensor_gateway.service.bus_keeper import HUNG_AFTER_S, LOOK_EVERY_S, RESTART_AFTER_S, BusKeeper, BusPlan
from sensor_gateway.service.supervision import PUBLISHER_HUNG_AFTER_S, BusChanges, PublisherHung, Supervisor
from sensor_gateway.service.system_clock import SystemClock
from sensor_gateway.simulation.virtual_clock import VirtualClock

HEARTBEAT_S = 300.0


class FakeRunner:
    """Runs until it is told to end; moves on only when the test says so."""

    def __init__(self, *, ends_on_stop: bool = True) -> None:
        self.progress = 0
        self.ended = threading.Event()
        self.stops = 0
        self.changes: list[BusChange] = []
        self.enquiries = Enquiries(lambda: None)
        self.loan = Loan(lambda: None)
        self._ends_on_stop = ends_on_stop

    def run(self) -> None:
        self.ended.wait(30)

    def change(self, change: BusChange) -> None:
        self.changes.append(change)

    def stop(self) -> None:
        self.stops += 1
        if self._ends_on_stop:
            self.ended.set()


class Notebook:
    def __init__(self) -> None:
        self.events: list[str] = []

    def info(self, event: str, /, **facts: object) -> None:
        self.events.append(event)

    debug = warning = error = info


class House:
    def __init__(self, make_sensor: Callable[[str], SensorPlan], *, ends_on_stop: bool = True) -> None:
        self.clock = VirtualClock()
        self.log = Notebook()
        self.publisher = FakeRunner()
        self.pollers: list[FakeRunner] = []
        self.handed_over: list[Outlet] = []

        def make_poller(outlet: Outlet) -> FakeRunner:
            self.handed_over.append(outlet)
            self.pollers.append(FakeRunner(ends_on_stop=ends_on_stop))
            return self.pollers[-1]

        plan = BusPlan(name="i2c1", sensors=(make_sensor("attic"),), make_poller=make_poller, capacity=100)
        self.outlets: list[Outlet] = [Outlet(1, lambda: None)]
        self.bus = BusKeeper(plan, self.outlets, 0, wake=lambda: None)
        self.supervisor = Supervisor(publisher=self.publisher, buses=[self.bus], clock=self.clock, log=self.log)
        self.supervisor.start()

    def pass_time(self, seconds: float, *, is_publishing: bool = True) -> None:
        """Look as often as the main thread does."""
        while seconds > 0:
            self.publisher.progress += is_publishing
            self.clock.advance(min(seconds, LOOK_EVERY_S))
            self.supervisor.step()
            seconds -= LOOK_EVERY_S

    def close(self) -> None:
        for runner in (*self.pollers, self.publisher):
            runner.ended.set()


@pytest.fixture
def house(make_sensor: Callable[[str], SensorPlan]):  # noqa: ANN201
    house = House(make_sensor)
    yield house
    house.close()


def test_a_bus_thread_that_ended_is_started_anew_with_a_new_outlet(house: House) -> None:
    house.pollers[0].ended.set()
    assert house.bus.life is not None
    house.bus.life.thread.join(5)
    house.pass_time(1)
    assert "bus_thread_ended" in house.log.events
    house.pass_time(RESTART_AFTER_S[0])
    assert "bus_restarted" in house.log.events
    assert len(house.pollers) == 2
    assert house.outlets[0] is house.handed_over[1]


def test_a_bus_thread_that_makes_progress_is_left_in_peace(house: House) -> None:
    for _ in range(20):
        house.pollers[0].progress += 1
        house.pass_time(HUNG_AFTER_S / 2)
    assert house.log.events == []


def test_a_bus_thread_that_hangs_is_reported_once_and_never_joined_by_another(house: House) -> None:
    house.pass_time(HUNG_AFTER_S)
    house.pass_time(HUNG_AFTER_S)
    assert house.log.events.count("bus_hung") == 1
    assert len(house.pollers) == 1
    events, states = house.outlets[0].take()
    assert [state.state for state in states] == [Availability.OFFLINE]
    assert [event.value for event in events] == [None]


def test_the_channels_of_a_hung_bus_repeat_their_fault_at_each_heartbeat(house: House) -> None:
    """Nobody reads there any more, and silence would look like an unchanged value."""
    house.pass_time(HUNG_AFTER_S)
    house.outlets[0].take()
    house.pass_time(HEARTBEAT_S / 2)
    assert house.outlets[0].take() == ([], [])
    house.pass_time(HEARTBEAT_S / 2)
    events, states = house.outlets[0].take()
    assert [(event.reason, event.value) for event in events] == [(Reason.HEARTBEAT, None)]
    assert states == []


def test_what_a_hung_bus_thread_hands_over_later_is_discarded(house: House) -> None:
    house.pass_time(HUNG_AFTER_S)
    event = house.outlets[0].take()[0][0]
    house.handed_over[0].put([event], [])
    assert house.handed_over[0].take() == ([], [])
    assert house.outlets[0].take() == ([], [])


def test_the_bus_of_a_hung_thread_is_opened_again_when_the_thread_has_ended(house: House) -> None:
    house.pass_time(HUNG_AFTER_S)
    assert house.pollers[0].stops == 1
    assert house.bus.life is not None
    house.bus.life.thread.join(5)
    house.pass_time(1)
    house.pass_time(RESTART_AFTER_S[0])
    assert len(house.pollers) == 2


def test_a_publisher_that_hangs_ends_the_process(house: House) -> None:
    house.pass_time(PUBLISHER_HUNG_AFTER_S - 1, is_publishing=False)
    house.clock.advance(1)
    with pytest.raises(PublisherHung):
        house.supervisor.step()


def test_a_process_that_stood_still_itself_blames_no_thread(house: House) -> None:
    """Stopped by a signal, or by a machine that swaps: the main thread may be the first that runs again."""
    for _ in range(3):
        house.clock.advance(1000)
        house.supervisor.step()
        house.pollers[0].progress += 1
        house.publisher.progress += 1
        house.pass_time(LOOK_EVERY_S)
    assert house.log.events == []


def test_a_publisher_that_ended_ends_the_process(house: House) -> None:
    house.publisher.ended.set()
    house.publisher.progress += 1
    assert house.supervisor._publishing is not None
    house.supervisor._publishing.thread.join(5)
    with pytest.raises(PublisherHung):
        house.supervisor.step()


def test_many_buses_that_hang_leave_the_publisher_its_time_to_say_goodbye(
    make_sensor: Callable[[str], SensorPlan],
) -> None:
    houses = [House(make_sensor, ends_on_stop=False) for _ in range(6)]
    publisher = FakeRunner()
    supervisor = Supervisor(
        publisher=publisher, buses=[house.bus for house in houses], clock=SystemClock(), log=Notebook()
    )
    supervisor.start()
    began_s = time.monotonic()
    assert supervisor.stop(4.5)
    assert time.monotonic() - began_s < 2.0
    for house in houses:
        house.close()


def test_stopping_ends_the_buses_first_and_then_the_publisher(house: House) -> None:
    assert house.supervisor.stop(5)
    assert house.pollers[0].stops == 1
    assert house.publisher.stops == 1


def bus_plan(house: House, *sensors: SensorPlan, name: str = "i2c1") -> BusPlan:
    return BusPlan(name=name, sensors=sensors, make_poller=house.bus.plan.make_poller, capacity=50)


def make(house: House, changes: BusChanges) -> None:
    house.supervisor.withdraw(changes)
    house.supervisor.install(changes)


def test_other_sensors_are_handed_to_the_thread_that_runs(
    house: House, make_sensor: Callable[[str], SensorPlan]
) -> None:
    attic, bench = house.bus.plan.sensors[0], make_sensor("bench")
    make(house, BusChanges(number=7, changed=(bus_plan(house, attic, bench),)))
    (change,) = house.pollers[0].changes
    assert (change.number, change.sensors, change.capacity) == (7, (attic, bench), 50)
    assert house.pollers[0].stops == 0
    assert house.bus.plan.sensors == (attic, bench), "a thread that is started anew serves these"


def test_a_renewed_bus_has_a_new_thread_once_the_old_one_has_ended_and_loses_no_event(house: House) -> None:
    house.outlets[0].put(["said before"], [])  # type: ignore[list-item]
    make(house, BusChanges(number=1, renewed=(bus_plan(house, *house.bus.plan.sensors),)))
    assert house.pollers[0].stops == 1
    assert len(house.pollers) == 2
    assert house.outlets[0].take()[0] == ["said before"]
    assert house.log.events == []


def test_a_thread_that_does_not_end_gets_no_other_beside_it(make_sensor: Callable[[str], SensorPlan]) -> None:
    house = House(make_sensor, ends_on_stop=False)
    try:
        make(house, BusChanges(number=1, renewed=(bus_plan(house, *house.bus.plan.sensors),)))
        assert len(house.pollers) == 1
        house.pass_time(HUNG_AFTER_S)
        assert house.log.events == ["bus_hung"]
        house.pollers[0].ended.set()
        assert house.bus.life is not None
        house.bus.life.thread.join(5)
        house.pass_time(1)
        assert len(house.pollers) == 2
    finally:
        house.close()


def test_a_removed_bus_is_looked_after_no_more_and_its_place_is_free_for_the_next(house: House) -> None:
    house.outlets[0].put(["said before"], [])  # type: ignore[list-item]
    make(house, BusChanges(number=1, removed=("i2c1",)))
    assert house.supervisor.buses == ()
    assert house.pollers[0].stops == 1
    assert not house.outlets[0].is_free
    assert house.outlets[0].take()[0] == ["said before"]
    assert house.outlets[0].is_free


def test_a_sensor_added_to_a_hung_bus_is_reported_as_the_others_are(
    house: House, make_sensor: Callable[[str], SensorPlan]
) -> None:
    house.pass_time(HUNG_AFTER_S)
    house.outlets[0].take()
    make(house, BusChanges(number=1, changed=(bus_plan(house, *house.bus.plan.sensors, make_sensor("bench")),)))
    _, states = house.outlets[0].take()
    assert {(state.sensor, state.state) for state in states} >= {("bench", Availability.OFFLINE)}


@pytest.fixture
def stuck(make_sensor: Callable[[str], SensorPlan]) -> Iterator[House]:
    """Its bus hangs, and its thread never comes back; all that was said of it has been taken."""
    house = House(make_sensor, ends_on_stop=False)
    house.pass_time(HUNG_AFTER_S)
    house.outlets[0].take()
    yield house
    house.close()


def told(house: House) -> tuple[set[str], set[str]]:
    """Of which sensors a fault was said, and which are offline."""
    events, states = house.outlets[0].take()
    assert {state.state for state in states} <= {Availability.OFFLINE}
    return {event.source.sensor for event in events}, {state.sensor for state in states}


def test_a_sensor_that_left_a_hung_bus_and_came_back_is_heard_of_again(
    stuck: House, make_sensor: Callable[[str], SensorPlan]
) -> None:
    attic, bench = stuck.bus.plan.sensors[0], make_sensor("bench")
    make(stuck, BusChanges(number=1, changed=(bus_plan(stuck, attic, bench),)))
    assert told(stuck) == ({"attic", "bench"}, {"attic", "bench"})
    make(stuck, BusChanges(number=2, changed=(bus_plan(stuck, attic),), silenced={"i2c1": ("bench",)}))
    assert told(stuck) == ({"attic"}, {"attic"})
    make(stuck, BusChanges(number=3, changed=(bus_plan(stuck, attic, bench),)))
    assert told(stuck) == ({"attic", "bench"}, {"attic", "bench"})


def test_a_hung_bus_that_is_opened_anew_tells_of_the_sensors_it_has_now(
    stuck: House, make_sensor: Callable[[str], SensorPlan]
) -> None:
    plan = bus_plan(stuck, make_sensor("bench"))
    make(stuck, BusChanges(number=1, renewed=(plan,), silenced={"i2c1": ("attic",)}))
    assert told(stuck) == ({"bench"}, {"bench"})
    stuck.pass_time(HEARTBEAT_S)
    assert told(stuck) == ({"bench"}, set()), "and of no others at the next heartbeat"


def test_a_hung_bus_has_the_room_that_its_sensors_of_now_need(stuck: House) -> None:
    plan = bus_plan(stuck, *stuck.bus.plan.sensors)
    make(stuck, BusChanges(number=1, changed=(replace(plan, capacity=7),)))
    stuck.outlets[0].take()
    assert stuck.outlets[0].room == 7


def test_what_has_become_of_a_bus_is_in_its_report(house: House) -> None:
    """The counts that its thread left behind stay; of the last minute nothing is known."""
    said = BusReport(
        bus="i2c1",
        state=BusState.ALIVE,
        load=0.5,
        error_rate=0.1,
        transfers=9,
        errors=1,
        missed=2,
        put_off=3,
        sensors=(SensorTally(sensor="attic", polls=5, failures=1, last_good=None),),
    )
    house.outlets[0].report = said
    house.pass_time(HUNG_AFTER_S)
    assert house.bus.report == replace(said, state=BusState.HUNG, load=None, error_rate=None)
    house.handed_over[0].report = said
    assert house.bus.report.state is BusState.HUNG, "whatever the thread that hangs may say later"
    assert house.bus.life is not None
    house.bus.life.thread.join(5)
    house.pass_time(1)
    assert house.bus.report.state is BusState.ENDED
    house.pass_time(RESTART_AFTER_S[0])
    assert house.bus.report is None, "the new thread has said nothing yet"


def test_a_bus_that_never_said_anything_is_reported_all_the_same(house: House) -> None:
    house.pass_time(HUNG_AFTER_S)
    assert house.bus.report is not None
    assert (house.bus.report.bus, house.bus.report.state) == ("i2c1", BusState.HUNG)


def test_who_asks_for_a_sensor_asks_the_thread_of_the_day_and_finds_its_answer(house: House) -> None:
    request = ReadRequest(number=1, sensor="attic")
    assert house.bus.enquiries is not None
    assert house.bus.enquiries.put(request)
    house.pollers[0].ended.set()
    assert house.bus.life is not None
    house.bus.life.thread.join(5)
    house.pass_time(1)
    house.pass_time(RESTART_AFTER_S[0])
    assert house.bus.enquiries is not None
    assert house.bus.enquiries.put(request)
    assert [runner.enquiries.is_more for runner in house.pollers] == [True, True]
    answer = ReadAnswer(number=1, stamp=house.clock.stamp(), channels=(), code=None, reason="")
    house.handed_over[1].answer([answer])
    assert list(house.bus.answers()) == [answer]


def test_an_answer_is_found_though_its_bus_was_renewed_before_anybody_looked(house: House) -> None:
    answer = ReadAnswer(number=1, stamp=house.clock.stamp(), channels=(), code=None, reason="")
    house.handed_over[0].answer([answer])
    make(house, BusChanges(number=1, renewed=(bus_plan(house, *house.bus.plan.sensors),)))
    assert len(house.pollers) == 2
    assert list(house.bus.answers()) == [answer]


def test_nobody_asks_a_bus_that_hangs_nor_hears_what_it_answers_later(house: House) -> None:
    house.pass_time(HUNG_AFTER_S)
    assert house.bus.enquiries is None
    answer = ReadAnswer(number=1, stamp=house.clock.stamp(), channels=(), code=None, reason="")
    house.handed_over[0].answer([answer])
    assert list(house.bus.answers()) == []
