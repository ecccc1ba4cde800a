"""The kernel's own drivers read our chip models, and say what the installed gateway says.

Both read the same chips over the kernel's I2C stack, the gateway by smbus2 as it is. Who writes a model and a driver
from one datasheet may misread it twice in the same way; the kernel's drivers were written by others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from emulated.bench import Bench
from emulated.bridge import NODE
from emulated.chips import Chip, Told, configuration

T_HWMON = Told(file="temp1_input", factor=1e-3, within=0.01)
LM75_9_BITS = Told(file="temp1_input", factor=1e-3, within=0.5)
LM75_11_BITS = Told(file="temp1_input", factor=1e-3, within=0.125)
SIXTEENTH = Told(file="temp1_input", factor=1e-3, within=0.0625)
RH_HWMON = Told(file="humidity1_input", factor=1e-3, within=0.01)
BOSCH = {
    "temperature": Told(file="in_temp_input", factor=1e-3, within=0.01),
    "pressure": Told(file="in_pressure_input", factor=10.0, within=0.01),
}
BOSCH_RH = {"humidity": Told(file="in_humidityrelative_input", factor=1e-3, within=0.01)}
LUX = "illuminance"


def vishay(lux: float) -> float:
    """The correction of Vishay's application note 84323, which the kernel leaves out."""
    return 6.0135e-13 * lux**4 - 9.3924e-9 * lux**3 + 8.1488e-5 * lux**2 + 1.0023 * lux


CHIPS = (
    Chip(name="bme280", address=0x76, module="bmp280-i2c", kernel_name="bme280", told=BOSCH | BOSCH_RH),
    Chip(name="bmp280", address=0x77, module="bmp280-i2c", kernel_name="bmp280", told=BOSCH),
    Chip(name="sht3x", address=0x44, module="sht3x", kernel_name="sht3x",
         told={"temperature": T_HWMON, "humidity": RH_HWMON}),
    Chip(name="sht4x", address=0x45, module="sht4x", kernel_name="sht4x",
         told={"temperature": T_HWMON, "humidity": RH_HWMON}),
    Chip(name="lm75", address=0x48, module="lm75", kernel_name="lm75", told={"temperature": LM75_9_BITS}),
    Chip(name="pct2075", address=0x4C, module="lm75", kernel_name="pct2075", told={"temperature": LM75_11_BITS}),
    Chip(name="tmp75", address=0x4E, module="lm75", kernel_name="tmp75", told={"temperature": SIXTEENTH}),
    Chip(name="tmp1075", address=0x4B, module="lm75", kernel_name="tmp1075", told={"temperature": SIXTEENTH}),
    Chip(name="tmp102", address=0x49, module="tmp102", kernel_name="tmp102", told={"temperature": SIXTEENTH}),
    Chip(name="mcp9808", address=0x18, module="jc42", kernel_name="jc42", told={"temperature": SIXTEENTH}),
    Chip(name="bh1750", address=0x23, module="bh1750", kernel_name="bh1750",
         told={LUX: Told(file="in_illuminance_raw", scale="in_illuminance_scale", factor=1.0, within=0.84, looks=3)}),
    Chip(name="opt3001", address=0x47, module="opt3001", kernel_name="opt3001",
         told={LUX: Told(file="in_illuminance_input", factor=1.0, within=1.28)}),
    Chip(name="veml6030", address=0x10, module="veml6030", kernel_name="veml6030",
         told={LUX: Told(file="in_illuminance_input", factor=1.0, within=0.6, corrected=vishay)}),
    Chip(name="tsl2561", address=0x39, module="tsl2563", kernel_name="tsl2561", options="package: cs",
         told={LUX: Told(file="in_illuminance0_input", factor=1.0, within=1.0, looks=3, share=0.01)}),
)  # fmt: skip
"""Those that both know and a CP2112 can serve; a MAX44009 answers the kernel with EIO there, and was left out.

The TSL2561 is one in the package CS: the kernel counts by the table of that package (drivers/iio/light/tsl2563.c,
lux_table), whatever the id of the chip says. It has the curve of "calculating lux" as four straight pieces, and 100 ms
as a quarter of 400: a hundredth is for that. Of a chip in one of the other packages it says 8 % too much in this light.
"""

WEATHERS: tuple[Mapping[str, float], ...] = (
    {"temperature": -17.3, "humidity": 81.4, "pressure": 1034.2, LUX: 12.0},
    {"temperature": 21.46, "humidity": 44.8, "pressure": 987.65, LUX: 417.5},
    {"temperature": 58.9, "humidity": 7.7, "pressure": 871.3, LUX: 5200.0},
)


def gateway_values(bench: Bench) -> dict[str, dict[str, float]]:
    """What ``read --all`` says, by sensor and channel; a busy host makes it ask again, as it does the kernel."""
    bench.machine.put("/root/gateway.yaml", configuration(CHIPS, f"  wire: {{type: i2c, path: {NODE}}}"))
    said = bench.machine.run(
        "for try in 1 2 3; do sensor-gateway read --all --json --config /root/gateway.yaml > /tmp/read && break; done; "
        "cat /tmp/read",
    )
    facts = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return {fact["sensor"]: fact["values"] for fact in facts}


def differences(chip: Chip, ours: Mapping[str, float], kernel: Mapping[str, float]) -> list[str]:
    """A sentence for each channel of which the two say different things."""
    return [
        f"{chip.id}.{name}: the kernel says {kernel[name]:g}, the gateway {ours[name]:g}"
        for name, told in chip.told.items()
        if not abs(kernel[name] - ours[name]) <= told.within + told.share * ours[name]
    ]


def test_the_comparison_can_fail() -> None:
    (sht4x,) = (chip for chip in CHIPS if chip.name == "sht4x")
    ours = {"temperature": 21.46, "humidity": 44.8}
    assert differences(sht4x, ours, ours) == []
    assert differences(sht4x, ours, {**ours, "humidity": 44.85}) == [
        "sht4x-45.humidity: the kernel says 44.85, the gateway 44.8"
    ]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("weather", WEATHERS, ids=["frost", "room", "oven"])
def test_kernel_and_gateway_read_the_same_from_the_same_chips(bench: Bench, weather: Mapping[str, float]) -> None:
    found = []
    bench.measure(CHIPS, weather)
    ours = gateway_values(bench)
    for chip in CHIPS:
        bench.bind(chip)
        found += differences(chip, ours[chip.id], bench.kernel_values(chip))
        bench.release(chip)
    assert found == []
