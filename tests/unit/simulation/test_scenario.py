from __future__ import annotations

import pytest

from sensor_gateway.simulation.scenario import FOREVER, ClockJump, FaultKind, LinkFault
from sensor_gateway.simulation.scenario_text import ScenarioError, read_scenario


def test_straight_lines_hold_before_the_first_and_after_the_last_moment() -> None:
    course = read_scenario({"values": {"a.t": [["2s", 10], ["4s", 20], ["1min", -8]]}}).course("a", "t")
    assert course is not None
    assert [course(at_s) for at_s in (0, 2, 3, 4, 32, 60, 1000)] == [10, 10, 15, 20, 6, -8, -8]


def test_steps_and_constants() -> None:
    scenario = read_scenario({"values": {"a.t": {"steps": [["0s", 1], ["5s", 2]]}, "b.t": 7.5}})
    steps, constant = scenario.course("a", "t"), scenario.course("b", "t")
    assert steps is not None
    assert constant is not None
    assert [steps(at_s) for at_s in (0, 4.999, 5, 9)] == [1, 1, 2, 2]
    assert constant(123.0) == 7.5
    assert scenario.course("c", "t") is None


def test_an_empty_file_is_a_scenario_in_which_nothing_happens() -> None:
    assert read_scenario(None).faults == ()


def test_faults_and_jumps_are_read() -> None:
    scenario = read_scenario(
        {
            "faults": [
                {"sensor": "attic", "kind": "nack", "from": "5s", "for": "3s", "every": 2},
                {"bus": "i2c1", "kind": "unplug", "from": "20s", "until": "30s"},
                {"sensor": "hall", "kind": "delay", "by": "200ms"},
                {"kind": "clock_jump", "at": "40s", "by": "-1h"},
            ]
        }
    )
    assert scenario.faults == (
        LinkFault(kind=FaultKind.NACK, sensor="attic", from_s=5.0, until_s=8.0, every=2),  # type: ignore[arg-type]
        LinkFault(kind=FaultKind.UNPLUG, bus="i2c1", from_s=20.0, until_s=30.0),  # type: ignore[arg-type]
        LinkFault(kind=FaultKind.DELAY, sensor="hall", until_s=FOREVER, by_s=0.2),  # type: ignore[arg-type]
    )
    assert scenario.clock_jumps == (ClockJump(at_s=40.0, by_s=-3600.0),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("decoded", "path", "word"),
    [
        ([], "scenario", "expected a mapping"),
        ({"vlaues": {}}, "scenario.vlaues", "did you mean values"),
        ({"values": {"attic": 1}}, "values.attic", "sensor.channel"),
        ({"values": {"a.t": "20"}}, "values.a.t", "expected a number"),
        ({"values": {"a.t": float("nan")}}, "values.a.t", "expected a number"),
        ({"values": {"a.t": []}}, "values.a.t", "at least one"),
        ({"values": {"a.t": [["0s"]]}}, "values.a.t[0]", "a moment and a value"),
        ({"values": {"a.t": [[0, 1]]}}, "values.a.t[0][0]", "no unit"),
        ({"values": {"a.t": [["5m", 1]]}}, "values.a.t[0][0]", "min"),
        ({"values": {"a.t": [["5s", 1], ["5s", 2]]}}, "values.a.t", "rise"),
        ({"values": {"a.t": {"curve": []}}}, "values.a.t.curve", "steps"),
        ({"faults": {}}, "faults", "expected a list"),
        ({"faults": ["nack"]}, "faults[0]", "expected a mapping"),
        ({"faults": [{"sensor": "a", "kind": "nak"}]}, "faults[0].kind", "did you mean nack"),
        ({"faults": [{"kind": "nack"}]}, "faults[0]", "either sensor or bus"),
        ({"faults": [{"kind": "nack", "sensor": "a", "bus": "b"}]}, "faults[0]", "either sensor or bus"),
        ({"faults": [{"kind": "nack", "sensor": "a", "by": "1s"}]}, "faults[0].by", "not known"),
        ({"faults": [{"kind": "delay", "sensor": "a"}]}, "faults[0].by", "missing"),
        ({"faults": [{"kind": "crc", "sensor": "a", "every": 0}]}, "faults[0].every", "from 1"),
        ({"faults": [{"kind": "unplug", "bus": "a", "every": 2}]}, "faults[0].every", "lasts"),
        ({"faults": [{"kind": "crc", "sensor": "a", "for": "1s", "until": "9s"}]}, "faults[0]", "not both"),
        ({"faults": [{"kind": "crc", "sensor": "a", "from": "9s", "until": "1s"}]}, "faults[0].until", "after from"),
        ({"faults": [{"kind": "clock_jump", "at": "1s"}]}, "faults[0].by", "missing"),
        ({"faults": [{"kind": "nack", "sensor": "a", "from": "-1s"}]}, "faults[0].from", "duration"),
    ],
)
def test_a_fault_names_its_path_and_what_was_expected(decoded: object, path: str, word: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(decoded)
    assert any(fault.startswith(f"{path}: ") and word in fault for fault in caught.value.faults), caught.value.faults


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ScenarioError) as caught:
        read_scenario({"values": {"a.t": "x", "b": 1}, "faults": [{"kind": "nack"}, {"kind": "no"}]})
    assert len(caught.value.faults) == 4
    assert all(fault in str(caught.value) for fault in caught.value.faults)


def test_names_that_nobody_configured_are_told() -> None:
    scenario = read_scenario(
        {
            "values": {"attic.temperature": 1, "attic.pressure": 2},
            "faults": [{"sensor": "hal", "kind": "nack"}, {"bus": "i2c9", "kind": "stuck"}],
        }
    )
    strangers = scenario.strangers(channels={"attic.temperature", "hall.temperature"}, buses={"i2c1"})
    assert len(strangers) == 3
    assert any("attic.pressure" in stranger for stranger in strangers)
    assert any("hal" in stranger for stranger in strangers)
    assert any("i2c9" in stranger for stranger in strangers)
