"""How frames are found among bytes: by their header, their length, their checksum and their trailer.

Pure. After a frame that is damaged the search goes on one byte later, so that a header by chance costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sensor_drivers.frame_format import CHECKSUMS, LONGEST, LengthField, Options


@dataclass(frozen=True, slots=True)
class Layout:
    """The options with their bytes worked out, once for each device."""

    header: bytes
    trailer: bytes
    length: int | None
    length_field: LengthField | None
    shortest: int
    check_from: int
    check_size: int
    check: Callable[[bytes], bytes]

    def size(self, buffer: bytes, start: int) -> int | None:
        """How long the frame that begins at ``start`` is: None while that has not come, 0 where it cannot be."""
        field = self.length_field
        if field is None:
            return self.length
        if len(buffer) < start + field.end:
            return None
        order: Literal["big", "little"] = field.order
        size = int.from_bytes(buffer[start + field.at : start + field.end], order) + field.plus
        return size if self.shortest <= size <= LONGEST else 0

    def is_sound(self, frame: bytes) -> bool:
        """Whether checksum and trailer of a whole frame are right."""
        end = len(frame) - len(self.trailer)
        body = end - self.check_size
        return frame.endswith(self.trailer) and self.check(frame[self.check_from : body]) == frame[body:end]


def layout_of(options: Options) -> Layout:
    """The layout of a device's frames."""
    size, check = CHECKSUMS[options.checksum]
    return Layout(
        header=bytes.fromhex(options.header),
        trailer=bytes.fromhex(options.trailer),
        length=options.length,
        length_field=options.length_field,
        shortest=options.shortest,
        check_from=options.checksum_from,
        check_size=size,
        check=check,
    )


def find(buffer: bytes, layout: Layout, start: int = 0) -> tuple[int, int, bool]:
    """Begin and end of the first sound frame in ``buffer`` from ``start``, and whether a damaged one was passed over.

    Where none is whole, begin and end are both the place from which more has to come.
    """
    is_damaged = False
    header, last = layout.header, len(buffer)
    while True:
        start = buffer.find(header, start)
        if start < 0:
            kept = next((n for n in range(min(len(header) - 1, last), 0, -1) if buffer.endswith(header[:n])), 0)
            return last - kept, last - kept, is_damaged
        size = layout.size(buffer, start)
        if size is None or (size and start + size > last):
            return start, start, is_damaged
        if size and layout.is_sound(buffer[start : start + size]):
            return start, start + size, is_damaged
        is_damaged = True
        start += 1
