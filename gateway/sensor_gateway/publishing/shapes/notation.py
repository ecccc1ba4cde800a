"""How things are written in every message: names, times, numbers of events."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from sensor_gateway.publishing.shapes.json_schema import TIME, Says

Name: TypeAlias = Annotated[str, Says({"pattern": "^[a-z0-9_-]+$"})]
"""An id that stands in topics: a gateway, a sensor, a channel."""

Time: TypeAlias = Annotated[str, Says(TIME)]
"""A moment: RFC 3339, in UTC, with milliseconds."""

EpochName: TypeAlias = Annotated[str, Says({"pattern": "^[0-9]{6,}-[0-9a-f]{8}$"})]
"""One life of the numbering; the order of the texts is the order of the lives."""

Count: TypeAlias = Annotated[int, Says({"minimum": 0})]
"""How many; milliseconds too."""

SeqNumber: TypeAlias = Annotated[int, Says({"minimum": 1})]
"""The number of an event within its epoch."""

Boot: TypeAlias = Annotated[str, Says({"pattern": "^[0-9a-f]{8}$"})]
"""The first 8 hexadecimal digits of the kernel's boot id."""

Positive: TypeAlias = Annotated[float, Says({"exclusiveMinimum": 0})]
NotNegative: TypeAlias = Annotated[float, Says({"minimum": 0})]
