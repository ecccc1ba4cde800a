"""The files in which the kernel shows measured values: what their names mean, and which ones a chip usually has.

Pure, and the half of the ``linux`` driver that knows no device: see linux.py. Units are those of
Documentation/hwmon/sysfs-interface.rst and Documentation/ABI/testing/sysfs-bus-iio.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal, TypeAlias

from sensor_gateway.driver import QUANTITIES, Channel, Quantity, configured_channel, other

Kind: TypeAlias = Literal["hwmon", "iio"]

# Beginning of a file's name: quantity, and what a value in the kernel's unit has to be multiplied with.
HWMON: Final = {
    "temp": (QUANTITIES["temperature"], 1e-3),  # milli-°C
    "humidity": (QUANTITIES["humidity"], 1e-3),  # milli-%
    "in": (QUANTITIES["voltage"], 1e-3),  # mV
    "curr": (QUANTITIES["current"], 1e-3),  # mA
    "power": (QUANTITIES["power"], 1e-6),  # µW
    "energy": (QUANTITIES["energy"], 1e-6 / 3.6e6),  # µJ
    "freq": (QUANTITIES["frequency"], 1.0),  # Hz
    "fan": (other("rpm"), 1.0),
}
IIO: Final = {
    "temp": (QUANTITIES["temperature"], 1e-3),  # milli-°C
    "humidityrelative": (QUANTITIES["humidity"], 1e-3),  # milli-%
    "pressure": (QUANTITIES["pressure"], 10.0),  # kPa
    "illuminance": (QUANTITIES["illuminance"], 1.0),  # lx
    "intensity": (other("counts"), 1.0),  # no unit
    "uvindex": (other("UV index"), 1.0),
    "voltage": (QUANTITIES["voltage"], 1e-3),  # mV
    "current": (QUANTITIES["current"], 1e-3),  # mA
    "power": (QUANTITIES["power"], 1e-3),  # mW
    "energy": (QUANTITIES["energy"], 1 / 3.6e6),  # J
    "resistance": (other("Ω"), 1.0),
    "ph": (QUANTITIES["ph"], 1.0),
    "distance": (QUANTITIES["distance"], 1e3),  # m
    "electricalconductivity": (QUANTITIES["conductivity"], 1e4),  # S/m
    "concentration_co2": (QUANTITIES["carbon_dioxide"], 1e4),  # %
    "concentration": (other("%"), 1.0),
    "massconcentration_pm1": (QUANTITIES["pm1"], 1.0),  # µg/m³
    "massconcentration_pm2p5": (QUANTITIES["pm25"], 1.0),
    "massconcentration_pm10": (QUANTITIES["pm10"], 1.0),
}

HWMON_FILE: Final = re.compile(r"([a-z]+)\d+_(?:input|average)")
IIO_FILE: Final = re.compile(r"(in_([a-z]+)\d*((?:_[a-z0-9]+)*))_(input|raw)")

ONE_WIRE: Final = re.compile(r"w1_|(?:^|/)[0-9a-f]{2}-[0-9a-f]{12}(?:/|$)")
NUMBERED: Final = re.compile(r"(?:^|/)(?:hwmon\d+|iio:device\d+)/?$")

_TEMPERATURE: Final = {"temperature": "temp1_input"}
_CLIMATE: Final = {"temperature": "temp1_input", "humidity": "humidity1_input"}
_IIO_CLIMATE: Final = {"temperature": "in_temp_input", "humidity": "in_humidityrelative_input"}
_BAROMETER: Final = {"temperature": "in_temp_input", "pressure": "in_pressure_input"}
_LIGHT: Final = {"illuminance": "in_illuminance_input"}
PROCESSORS: Final = ("cpu_thermal", "coretemp", "k10temp")

USUAL: Final[Mapping[str, Mapping[str, str]]] = {
    **dict.fromkeys(PROCESSORS, _TEMPERATURE),
    **dict.fromkeys(("lm75", "tmp75", "tmp102", "tmp112", "tmp1075", "jc42", "adt7410", "tc74", "nvme"), _TEMPERATURE),
    **dict.fromkeys(("sht3x", "sht4x", "shtc1", "shtc3", "sht21", "aht10", "aht20"), _CLIMATE),
    **dict.fromkeys(("dht11", "htu21"), _IIO_CLIMATE),
    **dict.fromkeys(("bmp180", "bmp280"), _BAROMETER),
    "bme280": {**_IIO_CLIMATE, **_BAROMETER},
    "bh1750": {"illuminance": "in_illuminance_raw"},
    **dict.fromkeys(("opt3001", "veml6030"), _LIGHT),
}
"""What a chip is read for that is written without ``reads``, where its kernel driver leaves no choice."""

JITTER: Final = 1.0
"""Default deadband for the temperature of a processor, in °C: it moves by half of that all the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One file: what it measures, and beside a raw value the files to ask for offset and scale, the nearest first."""

    file: str
    kind: Kind
    quantity: Quantity
    factor: float
    is_raw: bool = False
    offsets: tuple[str, ...] = ()
    scales: tuple[str, ...] = ()

    @property
    def needs_scale(self) -> bool:
        """Whether a raw value without a scale has no meaning."""
        return self.quantity.name != "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which device of the kernel, and what of it to read. The number in hwmon0 or iio:device0 tells nothing."""

    chip: Annotated[
        str,
        "Its name, like cpu_thermal: what is in /sys/class/hwmon/*/name or /sys/bus/iio/devices/*/name; * is any text.",
    ] = ""
    path: Annotated[
        str,
        "A part of its place, to tell it from others of that name: i2c-1/1-0076, or bme280@76 of the device tree "
        "(`readlink -f` of its directory shows it).",
    ] = ""
    reads: Annotated[
        Mapping[str, str],
        "The values to read: a name for each channel, and the file, like `temperature: temp1_input`; "
        "by default those that are usual for the chip.",
    ] = field(default_factory=dict)

    @property
    def files(self) -> Mapping[str, str]:
        """What is read, by channel: what is written, else what is usual. ValueError where there is neither."""
        found = self.reads or USUAL.get(self.chip)
        if not found:
            what = self.chip or "this device"
            raise ValueError(f"reads is needed for {what[:60]}, like `reads: {{temperature: temp1_input}}`")
        return found

    def __post_init__(self) -> None:
        """Refuse what names no device and no file (ValueError, beginning with the key)."""
        if not self.chip and not self.path:
            raise ValueError("chip or `path` is needed to find the device, like `chip: cpu_thermal`")
        for key, text in (("chip", self.chip), ("path", self.path)):
            if ONE_WIRE.search(text):
                raise ValueError(f"{key} is that of a thermometer on 1-wire: write `driver: ds18b20` and `id: 28-...`")
            if NUMBERED.search(text):
                raise ValueError(
                    f"{key} is a number that changes from start to start; write what its file `name` holds"
                )
        kinds = {measured.kind for measured in measured_by(self).values()}
        if len(kinds) > 1:
            raise ValueError("reads names files of hwmon and of IIO, which are never those of one device")


def measured_by(options: Options) -> dict[str, Measured]:
    """What is read, by channel. ValueError, beginning with the key, for files that are none."""
    return {name: _measured(file) for name, file in options.files.items()}


def channels_of(options: Options) -> tuple[Channel, ...]:
    """The channels that are configured. ValueError for names that no channel can have."""
    return tuple(_channels(options))


def _channels(options: Options) -> Iterator[Channel]:
    deadband = JITTER if options.chip in PROCESSORS else None
    for name, measured in measured_by(options).items():
        try:
            yield configured_channel(name, quantity=measured.quantity, deadband=deadband)
        except ValueError as error:
            raise ValueError(f"reads: {error}") from error


def _measured(file: str) -> Measured:
    found = HWMON_FILE.fullmatch(file)
    if found and found[1] in HWMON:
        quantity, factor = HWMON[found[1]]
        return Measured(file=file, kind="hwmon", quantity=quantity, factor=factor)
    found = IIO_FILE.fullmatch(file)
    known = _iio_kind(found[2], found[3]) if found else None
    if found is None or known is None:
        hint = next((f"; did you mean {file}{end}?" for end in ("_input", "_raw") if _is_known(file + end)), "")
        hint = hint or "; expected one like temp1_input or in_temp_raw"
        raise ValueError(f"reads: {file[:60]} is no file with a measured value{hint}")
    quantity, factor = known
    own, shared = found[1], f"in_{found[2]}"
    places = dict.fromkeys((own, shared))
    is_raw = found[4] == "raw"
    return Measured(
        file=file,
        kind="iio",
        quantity=quantity,
        factor=factor,
        is_raw=is_raw,
        offsets=tuple(f"{place}_offset" for place in places) if is_raw else (),
        scales=tuple(f"{place}_scale" for place in places) if is_raw else (),
    )


def _iio_kind(word: str, modifiers: str) -> tuple[Quantity, float] | None:
    return IIO.get(f"{word}{modifiers}") or IIO.get(word)


def _is_known(file: str) -> bool:
    hwmon, iio = HWMON_FILE.fullmatch(file), IIO_FILE.fullmatch(file)
    return bool((hwmon and hwmon[1] in HWMON) or (iio and _iio_kind(iio[2], iio[3])))
