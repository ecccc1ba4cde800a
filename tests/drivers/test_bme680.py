from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.bme68x_formulas import Trimming, gas_wait, ohm_high, ohm_low, res_heat, trimming
from sensor_drivers.bme680 import SPEC, Bme680, Options, channels_of, check, convert
from sensor_gateway.driver import BadFrame, DeviceBusy, NoAnswer, NotReady, OverRange, Seconds, WrongChip
from sensor_gateway.model.errors import MeasurementError, Nack
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x76
BLOCKS = (
    bytes.fromhex("b2 66 03 10 43 8a 5b d7 58 00 e4 12 8a ff 1a 1e 00 00 03 fd d9 f2 1e"),
    bytes.fromhex("3f dd 2c 00 2d 14 78 9c 53 66 af e8 e2 12"),
    bytes.fromhex("32 aa 16 4a 13"),
)
CHIP = trimming(*BLOCKS)
LOW = bytes.fromhex("80 00 60 1e 90 75 5d c0 41 b4 00 00 00 30 f9 00 00")
HIGH = bytes.fromhex("80 00 60 1e 90 75 5d c0 41 b4 00 00 00 00 00 30 f9")
BUSY = b"\x60" + LOW[1:]


def write(data: str) -> Transfer:
    return Transfer(ADDRESS, bytes.fromhex(data))


def read(register: int, answer: bytes | MeasurementError) -> Transfer:
    return Transfer(ADDRESS, bytes((register,)), answer)


TRIMMING = [read(register, block) for register, block in zip((0x8A, 0xE1, 0x00), BLOCKS, strict=True) for _ in range(2)]
SETUP = [write("e0 b6"), *TRIMMING, write("64 66 70 00 71 10"), write("72 01"), write("75 00")]
FORCE = write("5a 74 74 4d")  # Adafruit's formula for 320 °C gives the 74, too


def ready(options: Options | None = None) -> Bme680:
    """A driver that has set up its chip, with the default options for the wire."""
    driver = Bme680("bme680", options or Options())
    with Playback(SETUP) as bus:
        play(driver.setup(), bus, address=ADDRESS)
    return driver


def test_a_bme680_is_identified_set_up_and_measured_in_exactly_these_transactions() -> None:
    driver = Bme680("bme680", Options())
    script = [read(0xD0, b"\x61"), *[read(0xF0, b"\x00")] * 2, *SETUP, FORCE, read(0x1D, LOW)]
    with Playback(script) as bus:
        identity = play(driver.identify(), bus, address=ADDRESS).result
        assert play(driver.setup(), bus, address=ADDRESS).waits_s == (0.01,)
        played = play(driver.measure(), bus, address=ADDRESS)
    assert (identity.part, identity.note) == ("BME680", "")
    assert identity.channels == ("temperature", "pressure", "humidity", "gas_resistance")
    expected = {"temperature": 19.3113, "pressure": 1009.7752, "humidity": 25.2049, "gas_resistance": 20443.2}
    assert played.result == pytest.approx(expected, rel=1e-4)
    assert played.waits_s == pytest.approx((1.1 * 0.169034,))


def test_a_bme688_has_its_own_gas_register_and_formula() -> None:
    driver = Bme680("bme688", Options())
    setup = [*SETUP[:7], write("64 66 70 00 71 20"), *SETUP[8:]]
    with Playback([read(0xD0, b"\x61"), *[read(0xF0, b"\x01")] * 2, *setup, FORCE, read(0x1D, HIGH)]) as bus:
        assert play(driver.identify(), bus, address=ADDRESS).result.part == "BME688"
        play(driver.setup(), bus, address=ADDRESS)
        values = play(driver.measure(), bus, address=ADDRESS).result
    assert values["gas_resistance"] == pytest.approx(162798.092)


def test_a_bme688_that_was_sold_as_a_bme680_is_read_as_what_it_is() -> None:
    driver = Bme680("bme680", Options())
    with Playback(
        [read(0xD0, b"\x61"), *[read(0xF0, b"\x01")] * 2, *SETUP[:7], write("64 66 70 00 71 20"), *SETUP[8:]]
    ) as bus:
        identity = play(driver.identify(), bus, address=ADDRESS).result
        play(driver.setup(), bus, address=ADDRESS)
    assert identity.part == "BME688"
    assert identity.note == "this BME680 is a BME688, and is read as one."
    with Playback([FORCE, read(0x1D, HIGH)]) as bus:
        assert play(driver.measure(), bus, address=ADDRESS).result["gas_resistance"] == pytest.approx(162798.092)


def test_without_gas_nothing_is_heated() -> None:
    options = Options(gas=False)
    driver = Bme680("bme680", options)
    setup = [*SETUP[:7], write("64 66 70 08 71 00"), *SETUP[8:]]
    with Playback([read(0xD0, b"\x61"), *[read(0xF0, b"\x00")] * 2, *setup, FORCE, read(0x1D, LOW)]) as bus:
        channels = play(driver.identify(), bus, address=ADDRESS).result.channels
        play(driver.setup(), bus, address=ADDRESS)
        played = play(driver.measure(), bus, address=ADDRESS)
    assert channels == tuple(played.result) == tuple(channel.name for channel in channels_of(options))
    assert "gas_resistance" not in channels
    assert played.waits_s == pytest.approx((1.1 * 0.019034,))


def test_the_heater_is_set_for_the_temperature_of_the_air() -> None:
    driver = ready()
    warmer = LOW[:5] + bytes.fromhex("90 00 00") + LOW[8:]
    with Playback([FORCE, read(0x1D, warmer), write("5a 76 74 4d"), read(0x1D, LOW)]) as bus:
        play(driver.measure(), bus, address=ADDRESS)
        play(driver.measure(), bus, address=ADDRESS)


@pytest.mark.parametrize(("chip_id", "variant_id"), [(b"\x60", None), (b"\x61", b"\x02")])
def test_another_chip_is_refused(chip_id: bytes, variant_id: bytes | None) -> None:
    script = [read(0xD0, chip_id), *([] if variant_id is None else [read(0xF0, variant_id)] * 2)]
    with Playback(script) as bus, pytest.raises(WrongChip):
        play(Bme680("bme680", Options()).identify(), bus, address=ADDRESS)


def test_a_chip_that_still_measures_is_asked_again() -> None:
    with Playback([FORCE, read(0x1D, BUSY), read(0x1D, b"\xe0" + LOW[1:]), read(0x1D, LOW)]) as bus:
        assert play(ready().measure(), bus, address=ADDRESS).waits_s[1:] == (0.01, 0.01)


def test_a_chip_that_measures_for_ever_is_given_up() -> None:
    with Playback([FORCE, *[read(0x1D, BUSY)] * 10]) as bus, pytest.raises(NoAnswer, match="100 ms"):
        play(ready().measure(), bus, address=ADDRESS)


def test_a_measurement_before_setup_is_not_ready() -> None:
    with pytest.raises(NotReady):
        play(Bme680("bme680", Options()).measure(), Playback([]), address=ADDRESS)


def test_a_chip_that_does_not_acknowledge_gives_no_value() -> None:
    with Playback([FORCE, read(0x1D, Nack("gone"))]) as bus, pytest.raises(Nack):
        play(ready().measure(), bus, address=ADDRESS)


@pytest.mark.parametrize(
    "field",
    [LOW[:2] + bytes.fromhex("80 00 00 80 00 00") + LOW[8:], LOW[:8] + b"\x80\x00" + LOW[10:]],
    ids=["nothing", "no humidity"],
)
def test_registers_that_nobody_has_written_are_not_ready(field: bytes) -> None:
    """Humidity is skipped by a chip that lost power: its setting is gone."""
    with pytest.raises(NotReady):
        convert(CHIP, field, part="bme680", gas=True)


@pytest.mark.parametrize(("low", "match"), [(0xD9, "not measured"), (0xE9, "heater_duration")])
def test_gas_that_was_not_measured_or_not_hot_enough_is_no_value(low: int, match: str) -> None:
    field = LOW[:14] + bytes((low,)) + LOW[15:]
    with pytest.raises(DeviceBusy, match=match):
        convert(CHIP, field, part="bme680", gas=True)
    assert len(convert(CHIP, field, part="bme680", gas=False)) == 3


@pytest.mark.parametrize("pair", [b"\x00\x30", b"\xff\xff"])
def test_gas_at_the_end_of_its_converter_is_over_range(pair: bytes) -> None:
    with pytest.raises(OverRange, match="gas"):
        convert(CHIP, LOW[:13] + pair + LOW[15:], part="bme680", gas=True)


@pytest.mark.parametrize("field", [LOW[:2] + b"\x00" * 6 + LOW[8:], LOW[:2] + b"\xff" * 6 + LOW[8:]])
def test_a_value_beyond_the_chip_is_over_range(field: bytes) -> None:
    with pytest.raises(OverRange):
        convert(CHIP, field, part="bme680", gas=True)


def test_gas_formulas_are_those_of_others() -> None:
    """Of periph, bme68x/bme680_test.go, TestCompensations and TestDev_Sense: they take the whole byte 13 for the error.

    Of pimoroni/bme680-python, tests/test_compensation.py, test_calc_gas_resistance_low and _high.
    """
    assert ohm_low(replace(CHIP, range_switching_error=19), 386, 10) == pytest.approx(8566, abs=1)
    assert ohm_low(replace(CHIP, range_switching_error=19), 98 << 2 | 2, 10) == pytest.approx(8514, abs=1)
    assert ohm_low(replace(CHIP, range_switching_error=0), 0, 0) == pytest.approx(12946860, abs=1)
    assert ohm_high(0, 0) == 102400000


def test_trimming_data_is_cut_as_others_cut_it() -> None:
    """elixir-sensors/bmp280 test/bmp280/calibration/bme680_calibration_test.exs."""
    assert (
        Trimming(
            t=(26195, 26290, 3),
            p=(35395, -10405, 88, 4836, -118, 30, 26, -765, -3367, 30),
            h=(717, 1021, 0, 45, 20, 120, -100),
            g=(-30, -5969, 18),
            res_heat_val=50,
            res_heat_range=1,
            range_switching_error=1,
        )
        == CHIP
    )
    assert trimming(*BLOCKS[:2], b"\xce\x00\x00\x00\xf3").res_heat_val == -50
    assert trimming(*BLOCKS[:2], b"\xce\x00\x00\x00\xf3").range_switching_error == -1


@pytest.mark.parametrize("byte", [b"\x00", b"\xff"])
def test_trimming_data_of_a_silent_wire_is_a_bad_frame(byte: bytes) -> None:
    with pytest.raises(BadFrame):
        trimming(byte * 23, BLOCKS[1], BLOCKS[2])
    with pytest.raises(BadFrame):
        trimming(BLOCKS[0], byte * 14, BLOCKS[2])


@pytest.mark.parametrize(
    ("seconds", "setting"),
    [(0.001, 1), (0.063, 63), (0.064, 0x50), (0.1, 0x59), (0.15, 0x66), (4.032, 0xFF), (9, 0xFF)],
)
def test_heating_lasts_at_least_as_long_as_it_is_told(seconds: float, setting: int) -> None:
    assert gas_wait(seconds) == setting


def test_the_heater_stays_within_its_byte() -> None:
    assert 0 < res_heat(CHIP, 200, 25) < res_heat(CHIP, 400, 25) < 0xFF
    assert res_heat(replace(CHIP, g=(127, 32767, 127), res_heat_val=-128), 400, 85) == 0xFF


def test_a_heater_that_no_chip_has_is_refused() -> None:
    assert check(Options()) == ()
    assert "199" in check(Options(heater_temperature=199))[0]
    assert "heater_duration" in check(Options(heater_duration=Seconds(5.0)))[0]


FIELDS = st.binary(max_size=19) | st.binary(min_size=17, max_size=17)


@given(field=FIELDS, part=st.sampled_from(["bme680", "bme688"]), gas=st.booleans())
def test_any_bytes_of_a_known_chip_are_values_within_limits_or_an_error_of_ours(
    field: bytes, part: str, *, gas: bool
) -> None:
    try:
        values = convert(CHIP, field, part=part, gas=gas)
    except MeasurementError:
        return
    for channel in SPEC.variants[part].channels[: len(values)]:
        assert channel.low <= values[channel.name] <= channel.high


@given(
    st.binary(min_size=23, max_size=23),
    st.binary(min_size=14, max_size=14),
    st.binary(min_size=5, max_size=5),
    st.binary(min_size=17, max_size=17),
)
def test_a_chip_with_any_trimming_data_gives_values_within_limits_or_an_error_of_ours(
    first: bytes, second: bytes, third: bytes, field: bytes
) -> None:
    try:
        values = convert(trimming(first, second, third), field, part="bme680", gas=True)
    except MeasurementError:
        return
    for channel in SPEC.variants["bme680"].channels:
        assert channel.low <= values[channel.name] <= channel.high
