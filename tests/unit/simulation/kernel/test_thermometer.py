"""The 1-wire model against readings of real chips, and the driver against the model."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_drivers.ds18b20 import FAMILIES, Options, convert
from sensor_gateway.driver import FileMissing, KernelDevice
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.kernel.thermometer import Thermometer

Mount = Callable[..., Mounting]


def made(
    mount: Mount, celsius: float, variant: str = "ds18b20", number: str = "", powered_s: float = -10.0
) -> Thermometer:
    return Thermometer(mount(variant, options=Options(id=number), temperature=celsius, powered_s=powered_s))


@pytest.mark.parametrize(
    ("variant", "celsius", "text"),
    [
        # Read off real chips: SunFounder's lessons; wirenboard/wb-mqtt-w1's tests; of a DS18S20, a German lesson.
        ("ds18b20", 26.1875, "a3 01 4b 46 7f ff 0d 10 ce : crc=ce YES\na3 01 4b 46 7f ff 0d 10 ce t=26187\n"),
        ("ds18b20", 26.3125, "a5 01 4b 46 7f ff 0b 10 f7 : crc=f7 YES\na5 01 4b 46 7f ff 0b 10 f7 t=26312\n"),
    ],
)
def test_the_text_is_that_of_the_kernel_for_a_real_chip(mount: Mount, variant: str, celsius: float, text: str) -> None:
    assert made(mount, celsius, variant).read("w1_slave", 0.0) == (0.75, text.encode())


def test_an_old_chip_gives_the_same_temperature_as_a_real_one_in_the_same_form(mount: Mount) -> None:
    _, text = made(mount, 25.625, "ds18s20").read("w1_slave", 0.0)
    assert text.endswith(b" t=25625\n")
    assert text[6:18] == b"4b 46 ff ff "


@pytest.mark.parametrize("variant", FAMILIES)
@pytest.mark.parametrize("sixteenths", [*range(-55 * 16, 125 * 16 + 1, 37), -1, 0, 1, 85 * 16, 125 * 16])
def test_the_driver_reads_what_the_model_measures(mount: Mount, variant: str, sixteenths: int) -> None:
    celsius = sixteenths / 16
    _, text = made(mount, celsius, variant).read("w1_slave", 0.0)
    assert convert(text, FAMILIES[variant]) == {"temperature": celsius}


def test_power_that_has_not_lasted_for_a_conversion_shows_85_degrees(mount: Mount) -> None:
    chip = made(mount, 20.0, powered_s=5.0)
    assert b"t=85000" in chip.read("w1_slave", 5.5)[1]
    assert b"t=20000" in chip.read("w1_slave", 5.75)[1]


def test_it_is_known_by_its_number_or_by_its_family(mount: Mount) -> None:
    named, nameless = made(mount, 20.0, number="28-0316a2794cff"), made(mount, 20.0)
    assert named.fits(KernelDevice(kind="w1", name="28-0316a2794cff"))
    assert not named.fits(KernelDevice(kind="w1", name="28-00000495db35"))
    assert nameless.fits(KernelDevice(kind="w1", name="28-*"))
    assert not nameless.fits(KernelDevice(kind="hwmon", name="28-*"))
    assert named.read("name", 0.0) == (0.0, b"28-0316a2794cff\n")
    with pytest.raises(FileMissing):
        named.read("temperature", 0.0)
