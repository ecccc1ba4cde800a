"""Chips that another program, or a short loss of power, left in a state that nobody asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from sensor_drivers.hdc302x import Hdc302x, Options
from sensor_gateway.model.driver_spec import DriverSpec, PolledDriver, Preparing
from sensor_gateway.model.errors import MeasurementError, WireError
from sensor_gateway.model.operations import Wait
from sensor_gateway.sensing.engine import DriverRun
from sensor_gateway.sensing.plan import plan_alone
from sensor_gateway.simulation.chips.chip import I2cChip, Mounting
from sensor_gateway.simulation.models import MODELS
from sensor_gateway.simulation.virtual_clock import VirtualClock

Mount = Callable[..., Mounting]

TRUE = {"carbon_dioxide": 654.0, "temperature": 21.5, "humidity": 44.4}
DRIVERS = {
    **dict.fromkeys(("sht3x", "sht31"), "sht3x"),
    **dict.fromkeys(("sht4x",), "sht4x"),
    **dict.fromkeys(("shtc3", "shtc1"), "shtc3"),
    **dict.fromkeys(("aht20", "aht10"), "aht20"),
    **dict.fromkeys(("si7021", "htu21d", "sht21"), "si7021"),
    **dict.fromkeys(("scd40", "scd41"), "scd4x"),
    **dict.fromkeys(("hdc302x",), "hdc302x"),
}


class Bench:
    """One chip and the driver that is to read it, in virtual time. ``chip`` may be exchanged at any time."""

    def __init__(self, mount: Mount, variant: str, create: Callable[..., PolledDriver] | None = None) -> None:
        spec = importlib.import_module(f"sensor_drivers.{DRIVERS[variant]}").SPEC
        assert isinstance(spec, DriverSpec)
        spec = replace(spec, create=create or spec.create)
        row = spec.variants[variant]
        self.clock = VirtualClock()
        self._true = {channel.name: TRUE[channel.name] for channel in row.channels}
        self._variant = variant
        self._model = MODELS[spec.name]
        self._mount = mount
        self.chip = self.fresh()
        plan = plan_alone("probe", spec, variant, spec.options(), row.addresses[0])
        self._run = DriverRun(plan, transfer=self._transfer)

    def fresh(self, *, powered_s: float = -10.0) -> I2cChip:
        chip = self._model(self._mount(self._variant, powered_s=powered_s, **self._true))  # type: ignore[arg-type]
        assert hasattr(chip, "write")
        return chip

    def leave(self, *writes: str) -> None:
        """Another program's last words, each with time for the chip to follow."""
        for write in writes:
            self.chip.write(bytes.fromhex(write), self.clock.monotonic())
            self.clock.advance(1.0)

    def poll(self) -> None:
        """A poll that succeeds, and finds the weather as it is."""
        while (pause_s := self._run.resume()) is not None:
            self.clock.advance(pause_s)
        assert dict(self._run.values) == pytest.approx(self._true, abs=0.05)

    def _transfer(self, _address: int, data: bytes, count: int) -> bytes:
        now_s = self.clock.monotonic()
        if data:
            self.chip.write(data, now_s)
        return self.chip.read(count, now_s) if count else b""


@pytest.mark.parametrize(
    ("variant", "writes"),
    [
        pytest.param("sht3x", ["30 6d", "21 30"], id="an SHT3x that measures by itself, its heater on"),
        pytest.param("sht31", ["2b 32"], id="an SHT31 in its fastest mode"),
        pytest.param("sht4x", ["15"], id="an SHT4x that heated"),
        pytest.param("shtc3", ["b0 98"], id="an SHTC3 asleep"),
        pytest.param("aht20", ["ac 33 00"], id="an AHT20 that has just measured"),
        pytest.param("si7021", ["e6 3f"], id="an Si7021 with 8 bits and its heater on"),
        pytest.param("htu21d", ["e6 87"], id="an HTU21D with 11 bits and its heater on"),
        pytest.param("sht21", ["e6 bf"], id="an SHT21 with 11 bits and its heater on"),
        pytest.param("scd40", ["21 b1"], id="an SCD40 that measures"),
        pytest.param("scd41", ["21 ac"], id="an SCD41 that measures every 30 s"),
        pytest.param("scd41", ["36 e0"], id="an SCD41 asleep"),
        pytest.param("hdc302x", ["30 6d", "27 37"], id="an HDC302x that measures by itself, its heater on"),
    ],
)
def test_what_another_program_left_behind_is_taken_back(mount: Mount, variant: str, writes: list[str]) -> None:
    bench = Bench(mount, variant)
    bench.leave(*writes)
    bench.poll()
    bench.poll()


@pytest.mark.parametrize("variant", DRIVERS)
def test_a_chip_that_lost_its_power_for_a_moment_is_read_again_and_never_wrongly(mount: Mount, variant: str) -> None:
    """The next poll may fail; one of the two after it, which set the chip up anew, must not."""
    bench = Bench(mount, variant)
    bench.poll()
    bench.chip = bench.fresh(powered_s=bench.clock.monotonic())
    for _ in range(3):
        try:
            bench.poll()
        except MeasurementError:
            bench.clock.advance(0.1)
        else:
            break
    bench.poll()


@pytest.mark.parametrize("variant", ["sht3x", "hdc302x"])
def test_a_driver_that_is_disturbed_while_it_runs_sets_its_chip_up_anew(mount: Mount, variant: str) -> None:
    bench = Bench(mount, variant)
    bench.poll()
    bench.leave("21 30")
    with pytest.raises(WireError):
        bench.poll()
    bench.clock.advance(0.01)
    bench.poll()


class Careless(Hdc302x):
    """A driver that sets up nothing."""

    def setup(self) -> Preparing:
        yield Wait(0.001)


@pytest.mark.parametrize(("left", "complaint"), [("30 6d", AssertionError), ("27 37", WireError)])
def test_a_driver_that_takes_nothing_back_is_caught(mount: Mount, left: str, complaint: type[Exception]) -> None:
    bench = Bench(mount, "hdc302x", lambda *_: Careless(Options()))
    bench.poll()
    bench.leave(left)
    with pytest.raises(complaint):
        bench.poll()
