"""Whatever the kernel itself measures: chips with a kernel driver, by way of hwmon and IIO in /sys.

Kernel: Documentation/hwmon/sysfs-interface.rst and Documentation/ABI/testing/sysfs-bus-iio. A device is a directory of
files, and each file holds one number as text::

    hwmon   name           cpu_thermal        iio   name                   bh1750
            temp1_input    48312                    in_illuminance_raw     501
                                                    in_illuminance_scale   0.833333

``_input`` is the value in the unit of its kind; ``_raw`` becomes that by (raw + offset) * scale, where a missing offset
is 0. Thermometers on 1-wire have a driver of their own, which sees their checksum: ds18b20.py.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from typing import Final

import sensor_gateway.driver as gw
from sensor_drivers.linux_files import Measured, Options, channels_of, measured_by

NUMBER: Final = re.compile(rb"\s*([+-]?\d{1,20}(?:\.\d{1,20})?)\s*", re.ASCII)

BME680: Final = "bme680"
HIGHEST_KPA: Final = 200.0


def number(text: bytes, file: str) -> float:
    """The number in a file. BadFrame for anything else, NoAnswer for nothing."""
    if not text.strip():
        raise gw.NoAnswer(f"the kernel has nothing to say in {file}")
    found = NUMBER.fullmatch(text)
    if found is None:
        raise gw.BadFrame(f"no number in {file}", expected="digits", got=f"{text[:60]!r}")
    return float(found[1])


def convert(texts: Sequence[bytes], measured: Measured, chip: str = "") -> float:
    """The value of one channel: of its file alone, or of raw, offset and scale (b"" where there is none).

    Total: a finite value, BadFrame, NoAnswer or Rejected. Limits are judged by the engine.
    """
    value = number(texts[0], measured.file)
    if measured.is_raw:
        _, offset, scale = texts
        if offset:
            value += number(offset, "its offset")
        if scale:
            value *= number(scale, "its scale")
        elif measured.needs_scale:
            raise gw.Rejected(f"{measured.file} has no scale beside it: a number without a unit")
    return value * (_odd_factor(value, measured) if chip == BME680 else measured.factor)


def _odd_factor(value: float, measured: Measured) -> float:
    """For the kernel's bme680, which does not keep to the ABI (drivers/iio/chemical/bme680_core.c).

    Its humidity is in %, not in thousandths of that; its pressure was in hPa before it was in kPa.
    """
    is_odd = measured.quantity == gw.HUMIDITY or (measured.quantity == gw.PRESSURE and value > HIGHEST_KPA)
    return 1.0 if is_odd else measured.factor


class Linux:
    """One device of the kernel."""

    def __init__(self, options: Options) -> None:
        """Nothing is read yet."""
        self._measured = measured_by(options)
        kind = next(iter(self._measured.values())).kind
        self._device = gw.KernelDevice(kind=kind, name=options.chip, path=options.path)
        self._chip = ""
        self._files = {name: _unscaled(measured) for name, measured in self._measured.items()}

    def identify(self) -> gw.Identifying:
        """Ask the kernel for its name."""
        text = yield gw.ReadFile(self._device, "name")
        self._chip = text.decode("utf-8", "replace").strip()[:60]
        return gw.Identity(part=self._chip, channels=tuple(self._measured))

    def setup(self) -> gw.Preparing:
        """See which raw values have an offset and a scale: of their own, or of all values of their kind."""
        for name, measured in self._measured.items():
            if measured.is_raw:
                offset = yield from self._first(measured.offsets)
                scale = yield from self._first(measured.scales)
                self._files[name] = (measured.file, offset, scale)

    def measure(self) -> gw.Measuring:
        """Read every file, a value's own first."""
        values: dict[str, float] = {}
        for name, files in self._files.items():
            texts = [b""] * len(files)
            for place, file in enumerate(files):
                if file:
                    texts[place] = yield gw.ReadFile(self._device, file)
            values[name] = convert(texts, self._measured[name], self._chip)
        return values

    def _first(self, files: Sequence[str]) -> Generator[gw.Operation, bytes, str]:
        """The first of the files that is there; "" where none is."""
        for file in files:
            try:
                yield gw.ReadFile(self._device, file)
            except gw.FileMissing:
                continue
            return file
        return ""


def _unscaled(measured: Measured) -> tuple[str, ...]:
    return (measured.file, "", "") if measured.is_raw else (measured.file,)


def replay(vector: gw.Vector) -> gw.Values:
    """Frames: the content of the files, for a raw value of raw, offset and scale. Options as in a configuration."""
    options = vector.options
    frames = list(vector.frames)
    values: dict[str, float] = {}
    for name, measured in measured_by(Options(**options)).items():
        count = 3 if measured.is_raw else 1
        texts, frames = frames[:count], frames[count:]
        values[name] = convert(texts, measured, options.get("chip", ""))
    return values


def _vector(
    chip: str, reads: Mapping[str, str], texts: Sequence[str], values: gw.Values, source: str, tolerance: float = 1e-6
) -> gw.Vector:
    return gw.Vector(
        variant="linux",
        frames=tuple(text.encode("ascii") for text in texts),
        values=values,
        options={"chip": chip, "reads": reads},
        source=source,
        tolerance=tolerance,
    )


_BME680 = "a book's example of the kernel's bme680: cat of its files at 41 %, 1014 hPa and 24.5 °C"
_ORACLE = "Linux 6.1 on an emulated chip that was given this value"

VECTORS: Final = (
    _vector("lm75", {"temperature": "temp1_input"}, ["23500\n"], {"temperature": 23.5}, f"{_ORACLE}: lm75"),
    _vector(
        "bmp280",
        {"temperature": "in_temp_input", "pressure": "in_pressure_input"},
        ["25080\n", "100.653253906\n"],
        {"temperature": 25.08, "pressure": 1006.5327},
        "Linux 6.1's bmp280 on the worked example of Bosch BST-BMP280-DS001, section 3.12: 25.08 °C, 100653.27 Pa",
        1e-3,
    ),
    _vector(
        "bh1750",
        {"illuminance": "in_illuminance_raw"},
        ["501\n", "", "0.833333\n"],
        {"illuminance": 417.5},
        f"{_ORACLE}: bh1750",
        1e-3,
    ),
    _vector(
        "bme680",
        {"humidity": "in_humidityrelative_input", "pressure": "in_pressure_input", "temperature": "in_temp_input"},
        ["41.074000000\n", "1014.350000000\n", "24540 \n"],
        {"humidity": 41.074, "pressure": 1014.35, "temperature": 24.54},
        _BME680,
    ),
)

SPEC: Final = gw.DriverSpec(
    name="linux",
    summary="Anything that a kernel driver measures: CPU temperature, hwmon and IIO devices",
    bus=gw.BusKind.SYSFS,
    variants={"linux": gw.Variant(part="device of the kernel")},
    create=lambda _variant, options, _address: Linux(options),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    channels_of=channels_of,
)
