"""Devices in software that talk in frames, read by the driver; and their bytes, as a datasheet shows them."""

from __future__ import annotations

from typing import Any

import pytest

from sensor_drivers.frame import SPEC
from sensor_drivers.frame_format import CHECKSUMS, Field, LengthField, Options
from sensor_drivers.frame_request import SPEC as ASKED
from sensor_drivers.frame_values import convert
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.frame_device import FrameSlave, FrameTalker

REQUEST = bytes.fromhex("FF 01 86 00 00 00 00 00 79")


def mounting(options: Options, asked: bool = False, **values: float) -> Mounting:  # noqa: FBT001, FBT002
    spec = ASKED if asked else SPEC
    courses: dict[str, Any] = {name: lambda _at_s, value=value: value for name, value in values.items()}
    return Mounting(
        sensor="s", spec=spec, variant=spec.name, options=options, address=0, interval_s=2.0, courses=courses
    )


def mh_z19() -> Options:
    return Options(
        request=REQUEST.hex(),
        header="FF 86",
        length=9,
        checksum="neg_sum8",
        checksum_from=1,
        fields={
            "carbon_dioxide": Field(at=2, type="u16", quantity="carbon_dioxide"),
            "temperature": Field(at=4, type="u8", offset=-40, quantity="temperature"),
        },
    )


def test_it_says_what_the_datasheet_of_the_mh_z19_shows() -> None:
    slave = FrameSlave([mounting(mh_z19(), asked=True, carbon_dioxide=608, temperature=31)])
    assert slave.hear(b"\xff\x01", 0.0) is None
    heard = slave.hear(REQUEST, 0.0)
    assert heard is not None
    assert heard[1] == bytes.fromhex("FF 86 02 60 47 00 00 00 D1")


@pytest.mark.parametrize("checksum", CHECKSUMS)
@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize("kind", ["s8", "s16", "s24", "s32", "f32"])
def test_the_driver_reads_what_it_says(checksum: Any, order: Any, kind: Any) -> None:
    options = Options(
        header="42 4D",
        length_field=LengthField(at=2, type="u16", order=order, plus=4),
        trailer="AB",
        checksum=checksum,
        checksum_from=2,
        fields={"temperature": Field(at=5, type=kind, order=order, scale=0.5, offset=1, quantity="temperature")},
    )
    talker = FrameTalker(mounting(options, temperature=-21.5))
    assert talker.next_s == 2.0
    assert convert(talker.say(), options) == {"temperature": -21.5}
    assert talker.next_s == 4.0
