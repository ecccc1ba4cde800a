from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.linux import SPEC, Linux, convert
from sensor_drivers.linux_files import HWMON, IIO, USUAL, Options, channels_of, measured_by
from sensor_gateway.driver import BadFrame, FileMissing, MeasurementError, Nack, NoAnswer, Rejected
from sensor_gateway.testing import FileContent, FilePlayback, check_driver, play_files

MISSING = FileMissing("no such file")


@pytest.mark.parametrize("chip", sorted(USUAL))
def test_the_driver_conforms_with_each_chip_that_it_knows(chip: str) -> None:
    check_driver(SPEC, options=Options(chip=chip))


def test_a_processor_is_read_in_exactly_these_files() -> None:
    driver = Linux(Options(chip="cpu_thermal"))
    with FilePlayback([FileContent("name", b"cpu_thermal\n"), FileContent("temp1_input", b"48312\n")]) as files:
        assert play_files(driver.identify(), files).result.part == "cpu_thermal"
        play_files(driver.setup(), files)
        assert play_files(driver.measure(), files).result == {"temperature": pytest.approx(48.312)}


def test_a_raw_value_is_read_with_its_scale_and_its_offset() -> None:
    driver = Linux(Options(chip="bh1750"))
    setup = [FileContent("in_illuminance_offset", MISSING), FileContent("in_illuminance_scale", b"0.833333\n")]
    measure = [FileContent("in_illuminance_raw", b"501\n"), FileContent("in_illuminance_scale", b"0.416666\n")]
    with FilePlayback([*setup, *measure]) as files:
        play_files(driver.setup(), files)
        assert play_files(driver.measure(), files).result == {"illuminance": pytest.approx(208.749666)}


def test_a_scale_is_looked_for_at_the_value_itself_first_and_then_at_its_kind() -> None:
    driver = Linux(Options(chip="ads1015", reads={"tank": "in_voltage2_raw"}))
    setup = [
        FileContent("in_voltage2_offset", MISSING),
        FileContent("in_voltage_offset", b"-100\n"),
        FileContent("in_voltage2_scale", MISSING),
        FileContent("in_voltage_scale", b"3.000000000\n"),
    ]
    measure = [
        FileContent("in_voltage2_raw", b"1100"),
        FileContent("in_voltage_offset", b"-100\n"),
        FileContent("in_voltage_scale", b"3.0"),
    ]
    with FilePlayback([*setup, *measure]) as files:
        play_files(driver.setup(), files)
        assert play_files(driver.measure(), files).result == {"tank": pytest.approx(3.0)}


def test_a_raw_value_without_a_scale_has_no_unit_and_is_none() -> None:
    driver = Linux(Options(chip="bh1750"))
    with (
        FilePlayback([FileContent("in_illuminance_raw", b"501\n")]) as files,
        pytest.raises(Rejected, match="no scale"),
    ):
        play_files(driver.measure(), files)
    counts = Linux(Options(chip="x", reads={"clear": "in_intensity_clear_raw"}))
    with FilePlayback([FileContent("in_intensity_clear_raw", b"501\n")]) as files:
        assert play_files(counts.measure(), files).result == {"clear": 501}


def test_a_chip_that_does_not_answer_during_setup_is_not_taken_for_one_without_a_scale() -> None:
    driver = Linux(Options(chip="bh1750"))
    with FilePlayback([FileContent("in_illuminance_offset", Nack("silent"))]) as files, pytest.raises(Nack):
        play_files(driver.setup(), files)


@pytest.mark.parametrize(
    ("file", "text", "quantity", "value"),
    [
        ("temp1_input", "-12500", "temperature", -12.5),
        ("humidity1_input", "45210", "humidity", 45.21),
        ("in0_input", "3312", "voltage", 3.312),
        ("curr1_input", "-1250", "current", -1.25),
        ("power1_input", "5125000", "power", 5.125),
        ("power1_average", "5125000", "power", 5.125),
        ("energy1_input", "3600000000000", "energy", 1.0),
        ("fan1_input", "1450", "other", 1450),
        ("freq1_input", "1800000000", "frequency", 1.8e9),
        ("in_temp_input", "25080", "temperature", 25.08),
        ("in_temp0_input", "25080", "temperature", 25.08),
        ("in_temp_object_input", "36600", "temperature", 36.6),
        ("in_pressure_input", "100.653253906", "pressure", 1006.53253906),
        ("in_humidityrelative_input", "41074", "humidity", 41.074),
        ("in_illuminance0_input", "0.5", "illuminance", 0.5),
        ("in_voltage7_input", "1500", "voltage", 1.5),
        ("in_power_input", "1500", "power", 1.5),
        ("in_concentration_co2_input", "0.0653", "carbon_dioxide", 653),
        ("in_massconcentration_pm2p5_input", "12.5", "pm25", 12.5),
        ("in_distance_input", "1.25", "distance", 1250),
        ("in_electricalconductivity_input", "0.05", "conductivity", 500),
    ],
)
def test_each_kind_of_file_has_the_unit_of_the_kernels_documentation(
    file: str, text: str, quantity: str, value: float
) -> None:
    """Documentation/hwmon/sysfs-interface.rst and Documentation/ABI/testing/sysfs-bus-iio."""
    options = Options(chip="x", reads={"it": file})
    (channel,) = channels_of(options)
    assert channel.quantity.name == quantity
    assert convert([text.encode()], measured_by(options)["it"]) == pytest.approx(value)


def test_the_bme680_of_the_kernel_is_in_its_own_units_old_and_new() -> None:
    measured = measured_by(Options(chip="bme680", reads={"h": "in_humidityrelative_input", "p": "in_pressure_input"}))
    assert convert([b"41.074"], measured["h"], "bme680") == 41.074
    assert convert([b"1014.35"], measured["p"], "bme680") == 1014.35
    assert convert([b"101.435"], measured["p"], "bme680") == pytest.approx(1014.35)
    assert convert([b"41.074"], measured["h"], "bme280") == pytest.approx(0.041074)


@pytest.mark.parametrize("text", [b"", b"\n", b" \n"])
def test_nothing_is_no_answer(text: bytes) -> None:
    with pytest.raises(NoAnswer):
        convert([text], measured_by(Options(chip="lm75"))["temperature"])


@pytest.mark.parametrize("text", [b"nan", b"inf", b"1e5", b"0x10", b"12 13", b"--1", b"1.", "٣".encode(), b"1" * 30])
def test_what_is_no_number_of_the_kernel_is_no_value(text: bytes) -> None:
    with pytest.raises(BadFrame):
        convert([text], measured_by(Options(chip="lm75"))["temperature"])


NAMES = [f"{kind}1_input" for kind in HWMON] + [f"in_{kind}_{end}" for kind in IIO for end in ("input", "raw")]
TEXTS = st.one_of(st.binary(max_size=30), st.from_regex(rb"[+-]?\d{1,25}(\.\d{1,25})?\n?", fullmatch=True))


@given(st.sampled_from(NAMES), st.tuples(TEXTS, TEXTS, TEXTS))
def test_any_text_is_a_finite_value_or_an_error_of_ours(file: str, texts: tuple[bytes, bytes, bytes]) -> None:
    measured = measured_by(Options(chip="x", reads={"it": file}))["it"]
    try:
        value = convert(texts if measured.is_raw else texts[:1], measured)
    except MeasurementError:
        return
    assert math.isfinite(value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, r"^chip or `path` is needed"),
        ({"chip": "unheard"}, r"^reads is needed for unheard, like"),
        ({"path": "1-0076"}, r"^reads is needed for this device"),
        ({"chip": "28-0316a2794cff"}, r"^chip is that of a thermometer on 1-wire: write `driver: ds18b20`"),
        ({"path": "w1_bus_master1/28-0316a2794cff"}, r"^path is that of a thermometer on 1-wire"),
        ({"chip": "w1_slave_temp"}, r"^chip is that of a thermometer"),
        ({"chip": "hwmon0"}, r"^chip is a number that changes"),
        ({"path": "/sys/class/hwmon/hwmon3"}, r"^path is a number that changes"),
        ({"path": "/sys/bus/iio/devices/iio:device0/"}, r"^path is a number that changes"),
        ({"chip": "x", "reads": {"t": "temp1"}}, r"^reads: temp1 is no file.*did you mean temp1_input\?"),
        ({"chip": "x", "reads": {"t": "in_temp"}}, r"^reads: in_temp is no file.*did you mean in_temp_input\?"),
        ({"chip": "x", "reads": {"t": "temp1_crit"}}, r"^reads: temp1_crit is no file.*expected one like"),
        ({"chip": "x", "reads": {"t": "../../etc"}}, r"^reads: \.\./\.\./etc is no file"),
        ({"chip": "x", "reads": {"t": "in_unheard_raw"}}, r"^reads: in_unheard_raw is no file"),
        (
            {"chip": "x", "reads": {"t": "temp1_input", "p": "in_pressure_input"}},
            r"^reads names files of hwmon and of IIO",
        ),
    ],
)
def test_options_that_name_no_device_or_no_file_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Options(**options)


def test_a_processor_is_news_only_when_it_moves_by_more_than_its_jitter() -> None:
    assert [channel.deadband for channel in channels_of(Options(chip="cpu_thermal"))] == [1.0]
    assert [channel.deadband for channel in channels_of(Options(chip="lm75"))] == [0.1]
