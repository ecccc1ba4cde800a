"""Kernel devices in software: a whole configuration in virtual time, and the faults of a scenario."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sensor_drivers import ds18b20, linux
from sensor_gateway.config.loading import load_text
from sensor_gateway.driver import BadFrame, DriverSpec, FileMissing, KernelDevice
from sensor_gateway.model.errors import BusMissing, DeviceMissing, Nack, NoAnswer
from sensor_gateway.service.rehearsal import Rehearsal, expected_channels
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.kernel.attributes import Attributes
from sensor_gateway.simulation.chips.kernel.thermometer import Thermometer
from sensor_gateway.simulation.chips.vectors import VectorFiles
from sensor_gateway.simulation.device_files import Shelf, SimulatedFiles
from sensor_gateway.simulation.scenario_text import read_scenario
from sensor_gateway.simulation.virtual_clock import VirtualClock

Build = Callable[..., SimulatedFiles]

PROBE = KernelDevice(kind="w1", name="28-0316a2794cff")
CONFIGURATION = """
buses: {sim: {type: simulated, kind: linux, seed: 3}}
sensors:
  boiler: {driver: ds18b20, id: 28-0316a2794cff, interval: 1s}
  garden: {driver: ds18s20, bus: sim, interval: 2s}
  cpu: {driver: linux, chip: cpu_thermal, interval: 1s, bus: linux}
  rack: {driver: linux, chip: bme280, path: 1-0076, interval: 1s, bus: linux}
  lamp: {driver: linux, chip: bh1750, interval: 1s}
  power:
    driver: linux
    chip: ina226
    interval: 1s
    reads: {voltage: in1_input, current: curr1_input, power: power1_input, energy: energy1_input, fan: fan1_input}
  air:
    driver: linux
    chip: scd30
    interval: 1s
    reads: {temperature: in_temp_raw, humidity: in_humidityrelative_input, carbon_dioxide: in_concentration_co2_raw}
"""


class Kernel:
    def names(self) -> tuple[str, ...]:
        return ("linux", *ds18b20.SPEC.variants)

    def spec(self, name: str) -> DriverSpec:
        return linux.SPEC if name == "linux" else ds18b20.SPEC


class Silence:
    def info(self, event: str, /, **facts: object) -> None: ...

    debug = warning = error = info


def test_a_configuration_of_kernel_devices_is_simulated_whole() -> None:
    loaded = load_text(CONFIGURATION, catalogue=Kernel(), environ={}, needs_broker=False)
    assert loaded.configuration is not None, loaded.faults
    lines: list[dict[str, Any]] = []
    rehearsal = Rehearsal(
        loaded.configuration,
        Kernel(),  # type: ignore[arg-type]
        scenario=None,
        log=Silence(),
        write=lambda line: lines.append(json.loads(line)),
    )
    outcome = rehearsal.play(20)
    expected = expected_channels(loaded.configuration)
    assert outcome.missing(expected) == [], [outcome.reason(name) for name in outcome.missing(expected)]
    assert outcome.codes == {}
    values = {f"{line['sensor']}.{line['channel']}": line["value"] for line in lines}
    assert 15 <= values["boiler.temperature"] <= 28
    assert 990 <= values["rack.pressure"] <= 1030
    assert 420 <= values["air.carbon_dioxide"] <= 1200
    assert 20 <= values["lamp.illuminance"] <= 900


@pytest.mark.parametrize(
    ("reads", "value", "tolerance"),
    [
        ({"temperature": "temp1_input"}, 48.312, 1e-9),
        ({"temperature": "in_temp_raw"}, -12.34, 0.006),
        ({"humidity": "humidity1_input"}, 45.21, 1e-9),
        ({"humidity": "in_humidityrelative_raw"}, 45.21, 1e-6),
        ({"pressure": "in_pressure_input"}, 1006.5327, 1e-6),
        ({"pressure": "in_pressure_raw"}, 1006.53, 0.006),
        ({"illuminance": "in_illuminance_raw"}, 417.5, 0.42),
        ({"voltage": "in0_input"}, 3.312, 1e-9),
        ({"voltage": "in_voltage2_raw"}, 3.312, 1e-6),
        ({"current": "curr1_input"}, -1.25, 1e-9),
        ({"power": "power1_input"}, 5.125, 1e-9),
        ({"power": "in_power_input"}, 5.125, 1e-9),
        ({"carbon_dioxide": "in_concentration_co2_raw"}, 653, 0.51),
        ({"distance": "in_distance_input"}, 1250, 1e-5),
        ({"conductivity": "in_electricalconductivity_input"}, 500, 1e-4),
    ],
)
def test_the_driver_reads_what_the_model_measures(
    mount: Callable[..., Mounting], reads: dict[str, str], value: float, tolerance: float
) -> None:
    options = linux.Options(chip="x", reads=reads)
    (name,) = reads
    model = Attributes(mount("linux", options=options, **{name: value}))
    driver = linux.Linux(options)

    def answered(steps: Any) -> Any:
        """Run a generator on the model; what it returns."""
        try:
            operation = next(steps)
            while True:
                try:
                    assert model.fits(operation.device)
                    _, content = model.read(operation.name, 0.0)
                except FileMissing as error:
                    operation = steps.throw(error)
                else:
                    operation = steps.send(content)
        except StopIteration as end:
            return end.value

    assert answered(driver.identify()).part == "x"
    answered(driver.setup())
    assert answered(driver.measure())[name] == pytest.approx(value, abs=tolerance)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(start_s=50.0)


@pytest.fixture
def build(mount: Callable[..., Mounting], clock: VirtualClock) -> Build:
    def make(*faults: dict[str, object]) -> SimulatedFiles:
        mounting = mount("ds18b20", options=ds18b20.Options(id=PROBE.name), temperature=20.0)
        files = SimulatedFiles(
            "linux",
            [Shelf(model=Thermometer, mounting=mounting)],
            clock=clock,
            faults=read_scenario({"faults": list(faults)}).faults,
        )
        files.open()
        return files

    return make


def test_a_read_takes_the_time_of_a_conversion(build: Build, clock: VirtualClock) -> None:
    assert b"t=20000" in build().read_file(PROBE, "w1_slave")
    assert clock.monotonic() == pytest.approx(50.75)


def test_a_device_that_is_none_of_them_is_missing(build: Build) -> None:
    with pytest.raises(DeviceMissing):
        build().read_file(KernelDevice(kind="w1", name="28-00000495db35"), "w1_slave")


@pytest.mark.parametrize(
    ("kind", "error"), [("nack", Nack), ("silence", NoAnswer), ("stuck", NoAnswer), ("unplug", DeviceMissing)]
)
def test_the_faults_of_a_scenario_are_errors_of_the_door(build: Build, kind: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        build({"sensor": "probe", "kind": kind}).read_file(PROBE, "w1_slave")


@pytest.mark.parametrize("kind", ["crc", "short"])
def test_a_broken_text_is_no_value(build: Build, kind: str) -> None:
    text = build({"sensor": "probe", "kind": kind}).read_file(PROBE, "w1_slave")
    with pytest.raises(BadFrame):
        ds18b20.convert(text, "28")


def test_a_device_that_was_unplugged_comes_back_from_power_on(build: Build, clock: VirtualClock) -> None:
    files = build({"sensor": "probe", "kind": "unplug", "from": "1s", "until": "2s"})
    clock.advance_to(52.1)
    assert b"t=85000" in files.read_file(PROBE, "w1_slave")
    assert b"t=20000" in files.read_file(PROBE, "w1_slave")


def test_all_devices_can_be_unplugged_at_once(build: Build, clock: VirtualClock) -> None:
    unplugged = {"bus": "linux", "kind": "unplug", "from": "1s", "until": "2s"}
    files = build(unplugged, {"sensor": "probe", "kind": "delay", "by": "1s", "from": "3s"})
    clock.advance_to(51.5)
    with pytest.raises(BusMissing):
        files.read_file(PROBE, "name")
    with pytest.raises(BusMissing):
        files.open()
    with pytest.raises(BusMissing, match="not open"):
        files.read_file(PROBE, "name")
    clock.advance_to(53.0)
    files.open()
    assert files.read_file(PROBE, "name") == b"28-0316a2794cff\n"
    assert clock.monotonic() == pytest.approx(54.0)
    files.close()


def test_without_a_model_the_vectors_are_played(mount: Callable[..., Mounting]) -> None:
    model = VectorFiles(mount("ds18b20", spec=ds18b20.SPEC))
    assert model.fits(PROBE)
    assert [model.read("any", 0.0)[1] for _ in range(2)] == [vector.frames[0] for vector in ds18b20.VECTORS[:2]]
