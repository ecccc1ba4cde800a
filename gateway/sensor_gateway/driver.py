"""The one page that a driver imports: the driver contract. Versions count on it.

See docs/writing-a-driver.md. Everything here is public; a change that would break a driver raises
``CONTRACT_VERSION``.
"""

from sensor_gateway.model.arithmetic.measuring_range import MOST_RANGES_TRIED, Span, suitable_range
from sensor_gateway.model.channel import Channel, configured_channel
from sensor_gateway.model.checksums import checked_words, crc8, crc16_modbus, nmea_checksum
from sensor_gateway.model.driver_spec import (
    CONTRACT_VERSION,
    BusKind,
    DriverSpec,
    Heeds,
    Identifying,
    Identity,
    Measuring,
    NoOptions,
    PolledDriver,
    Preparing,
    StreamDriver,
    Values,
    Variant,
    Vector,
)
from sensor_gateway.model.errors import (
    BadFrame,
    DeviceBusy,
    MeasurementError,
    Nack,
    NoAnswer,
    NotReady,
    OverRange,
    Rejected,
    WrongChip,
)
from sensor_gateway.model.operations import Exchange, Framing, Operation, Read, Wait, Write, WriteRead
from sensor_gateway.model.quantity import (
    HUMIDITY,
    ILLUMINANCE,
    PRESSURE,
    QUANTITIES,
    TEMPERATURE,
    Quantity,
    QuantityName,
    configured_quantity,
    other,
)
from sensor_gateway.model.units import Seconds

__all__ = [
    "CONTRACT_VERSION",
    "HUMIDITY",
    "ILLUMINANCE",
    "MOST_RANGES_TRIED",
    "PRESSURE",
    "QUANTITIES",
    "TEMPERATURE",
    "BadFrame",
    "BusKind",
    "Channel",
    "DeviceBusy",
    "DriverSpec",
    "Exchange",
    "Framing",
    "Heeds",
    "Identifying",
    "Identity",
    "MeasurementError",
    "Measuring",
    "Nack",
    "NoAnswer",
    "NoOptions",
    "NotReady",
    "Operation",
    "OverRange",
    "PolledDriver",
    "Preparing",
    "Quantity",
    "QuantityName",
    "Read",
    "Rejected",
    "Seconds",
    "Span",
    "StreamDriver",
    "Values",
    "Variant",
    "Vector",
    "Wait",
    "Write",
    "WriteRead",
    "WrongChip",
    "checked_words",
    "configured_channel",
    "configured_quantity",
    "crc8",
    "crc16_modbus",
    "nmea_checksum",
    "other",
    "suitable_range",
]
