from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.dps310 import SPEC, Dps310, Options, convert
from sensor_drivers.dps310_formulas import SCALES, coefficients, compensated
from sensor_gateway.driver import BadFrame, NoAnswer, NotReady, OverRange, WrongChip
from sensor_gateway.model.errors import MeasurementError, Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x77
BLOCK = bytes.fromhex("0d ee d7 13 7d 8f 24 0c f7 09 05 a4 da 1b 00 6f fa f7")
DATA = bytes.fromhex("f9 78 b5 04 7f 40")
DEFAULT = Options()
SIXTY_FOUR = Options(temperature_oversampling=64, pressure_oversampling=64)


def write(data: str) -> Transfer:
    return Transfer(ADDRESS, bytes.fromhex(data))


def read(register: int, answer: str | MeasurementError) -> Transfer:
    return Transfer(
        ADDRESS, bytes((register,)), answer if isinstance(answer, MeasurementError) else bytes.fromhex(answer)
    )


CORRECTION = [write("0e a5"), write("0f 96"), write("62 02"), write("0e 00"), write("0f 00")]


def setup(source: str = "80", p: str = "16", t: str = "96", shifts: str = "0c") -> list[Transfer]:
    opening = [write("0c 89"), read(0x08, "c0"), *[read(0x10, BLOCK.hex())] * 2, *[read(0x28, source)] * 2]
    return [*opening, write("06" + p), write("07" + t), write("09" + shifts), *CORRECTION]


def ready() -> Dps310:
    """A driver of 64 samples that has set up its chip."""
    driver = Dps310("dps310", SIXTY_FOUR)
    with Playback(setup()) as bus:
        play(driver.setup(), bus, address=ADDRESS)
    return driver


@pytest.mark.parametrize("variant", SPEC.variants)
def test_a_chip_is_identified_set_up_and_measured_in_exactly_these_transactions(variant: str) -> None:
    driver = Dps310(variant, SIXTY_FOUR)
    measurement = [write("08 02"), read(0x06, "16 96 e0 0c"), write("08 01"), read(0x06, "16 96 f0 0c")]
    script = [read(0x0D, "10"), read(0x0D, "10"), *setup(), *measurement, read(0x00, DATA.hex())]
    with Playback(script) as bus:
        identity = play(driver.identify(), bus, address=ADDRESS).result
        assert play(driver.setup(), bus, address=ADDRESS).waits_s == (0.04,)
        played = play(driver.measure(), bus, address=ADDRESS)
    assert (identity.part, identity.channels) == (variant.upper(), ("temperature", "pressure"))
    assert played.result == pytest.approx({"temperature": 26.8658, "pressure": 1006.24265}, abs=1e-4)
    assert played.waits_s == pytest.approx((0.11484, 0.11484))


def test_the_thermometer_is_the_one_that_the_coefficients_are_made_for() -> None:
    driver = Dps310("dps310", Options(temperature_oversampling=1, pressure_oversampling=8))
    with Playback(setup(source="00", p="13", t="10", shifts="00")) as bus:
        play(driver.setup(), bus, address=ADDRESS)
    with Playback(setup(source="80", p="13", t="90", shifts="00")) as bus:
        play(driver.setup(), bus, address=ADDRESS)


def test_another_chip_is_refused() -> None:
    with Playback([read(0x0D, "11")]) as bus, pytest.raises(WrongChip, match="expected 10, got 11"):
        play(Dps310("dps310", DEFAULT).identify(), bus, address=ADDRESS)


def test_a_clock_that_just_shows_the_right_number_is_refused() -> None:
    """A BMP390 has its sensor time in register 0D."""
    with Playback([read(0x0D, "10"), read(0x0D, "12")]) as bus, pytest.raises(WrongChip, match="twice"):
        play(Dps310("dps310", DEFAULT).identify(), bus, address=ADDRESS)


@pytest.mark.parametrize("settings", ["00 00 e0 00", "16 16 e0 0c", "06 86 e0 0c", "16 96 e0 00", "ff ff ff ff"])
def test_a_chip_that_lost_its_settings_is_not_ready(settings: str) -> None:
    """Its scale would be another one: hundreds of hPa beside the truth, and within limits."""
    script = [write("08 02"), read(0x06, settings)]
    with Playback(script) as bus, pytest.raises(NotReady, match="lost power"):
        play(ready().measure(), bus, address=ADDRESS)


def test_results_that_are_late_are_awaited() -> None:
    temperature = [write("08 02"), read(0x06, "16 96 c2 0c"), read(0x06, "16 96 e0 0c")]
    pressure = [write("08 01"), read(0x06, "16 96 e1 0c"), read(0x06, "16 96 f0 0c"), read(0x00, DATA.hex())]
    with Playback([*temperature, *pressure]) as bus:
        waits_s = play(ready().measure(), bus, address=ADDRESS).waits_s
    assert waits_s == pytest.approx((0.11484, 0.005, 0.11484, 0.005))


def test_a_chip_that_measures_for_ever_is_given_up() -> None:
    with Playback([write("08 02"), *[read(0x06, "16 96 c2 0c")] * 20]) as bus, pytest.raises(NoAnswer, match="100 ms"):
        play(ready().measure(), bus, address=ADDRESS)


def test_a_chip_that_does_not_start_is_given_up() -> None:
    with Playback([write("0c 89"), *[read(0x08, "40")] * 20]) as bus, pytest.raises(NoAnswer, match="start"):
        play(Dps310("dps310", DEFAULT).setup(), bus, address=ADDRESS)


def test_a_measurement_before_setup_is_not_ready() -> None:
    with pytest.raises(NotReady):
        play(Dps310("dps310", DEFAULT).measure(), Playback([]), address=ADDRESS)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([write("08 02"), read(0x06, Nack("gone"))]) as bus, pytest.raises(Nack):
        play(ready().measure(), bus, address=ADDRESS)


GUESSED = coefficients(bytes.fromhex("f9 c0 01 fb 1e 00 03 e8 07 d0 ff 06 fe a2 00 05 00 0a"))


def test_coefficients_are_cut_as_others_cut_them() -> None:
    """ojousima/ojousima.dps310.c, test/test_dps310.c, init_dps_regs and test_dps310_init_ok."""
    assert (GUESSED.c0, GUESSED.c1, GUESSED.c00, GUESSED.c10) == (-100, 1, -20000, 1000)
    assert (GUESSED.c20, GUESSED.c30, GUESSED.c01, GUESSED.c11, GUESSED.c21) == (-350, 10, 2000, -250, 5)


EXPECTED_PASCALS = {
    1: -99495.603,
    2: 41681.403,
    4: 91530.439,
    8: 111980.16,
    16: -91732.592,
    32: -101889.69,
    64: -463.24456,
    128: 62951.915,
}


@pytest.mark.parametrize(("samples", "pascal"), EXPECTED_PASCALS.items())
def test_the_formulas_give_what_others_expect(samples: int, pascal: float) -> None:
    """The same file, test_dps310_measure_pres_once_sync_*: raw 7A1200, scaled temperature 75, single precision."""
    celsius, found = compensated(GUESSED, 0x7A1200 / SCALES[samples][0], 75.0)
    assert found == pytest.approx(pascal, abs=0.1)
    assert celsius == 25


def test_one_sample_of_temperature_is_what_others_expect() -> None:
    """The same file, test_dps310_measure_temp_once_sync_ok and _os_2."""
    assert compensated(GUESSED, 0, 0x7A1200 / SCALES[1][0])[0] == pytest.approx(-34.7412, abs=0.01)
    assert compensated(GUESSED, 0, 0x7A1200 / SCALES[2][0])[0] == pytest.approx(-44.9137, abs=0.01)


def test_registers_that_nobody_has_written_are_not_ready() -> None:
    with pytest.raises(NotReady):
        convert(coefficients(BLOCK), bytes(6), SIXTY_FOUR)


@pytest.mark.parametrize("data", ["7f ff ff 04 7f 40", "f9 78 b5 80 00 00", "f9 78 b5 44 7f 40", "39 78 b5 04 7f 40"])
def test_a_value_beyond_the_chip_is_over_range(data: str) -> None:
    with pytest.raises(OverRange):
        convert(coefficients(BLOCK), bytes.fromhex(data), SIXTY_FOUR)


@pytest.mark.parametrize("byte", [b"\x00", b"\xff"])
def test_coefficients_of_a_silent_wire_are_a_bad_frame(byte: bytes) -> None:
    with pytest.raises(BadFrame):
        coefficients(byte * 18)


@given(st.binary(max_size=20) | st.binary(min_size=18, max_size=18), st.binary(min_size=6, max_size=6))
def test_a_chip_with_any_coefficients_gives_values_within_limits_or_an_error_of_ours(block: bytes, data: bytes) -> None:
    try:
        values = convert(coefficients(block), data, DEFAULT)
    except MeasurementError:
        return
    for channel in SPEC.variants["dps310"].channels:
        assert channel.low <= values[channel.name] <= channel.high


@given(st.integers(-0x300000, 0x300000), st.integers(-0x300000, 0x300000))
def test_any_numbers_of_a_known_chip_are_values_within_limits_or_an_error_of_ours(p: int, t: int) -> None:
    data = struct.pack(">i", p)[1:] + struct.pack(">i", t)[1:]
    try:
        values = convert(coefficients(BLOCK), data, SIXTY_FOUR)
    except MeasurementError:
        return
    for channel in SPEC.variants["dps310"].channels:
        assert channel.low <= values[channel.name] <= channel.high
