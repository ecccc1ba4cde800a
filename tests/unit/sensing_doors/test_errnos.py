from __future__ import annotations

import errno
from pathlib import Path

import pytest

from sensor_gateway.model.errors import BusMissing, BusRefused, Nack, NoAnswer, WireError
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.sensing.errnos import i2c_error, named, no_permission


@pytest.mark.parametrize(
    ("number", "kind", "is_transient", "code"),
    [
        (121, Nack, True, FailureCode.NACK),
        (6, Nack, True, FailureCode.NACK),
        (110, NoAnswer, True, FailureCode.TIMEOUT),
        (5, WireError, True, FailureCode.TIMEOUT),
        (11, WireError, True, FailureCode.TIMEOUT),
        (16, BusRefused, False, FailureCode.MISSING),
        (2, BusMissing, False, FailureCode.MISSING),
        (19, BusMissing, False, FailureCode.MISSING),
        (9, BusMissing, False, FailureCode.MISSING),
        (13, BusRefused, False, FailureCode.MISSING),
        (95, BusRefused, False, FailureCode.MISSING),
        (22, BusRefused, False, FailureCode.MISSING),
        (99999, WireError, True, FailureCode.TIMEOUT),
        (None, WireError, True, FailureCode.TIMEOUT),
    ],
)
def test_an_error_number_says_whose_fault_it_is(
    number: int | None, kind: type[WireError], is_transient: object, code: FailureCode
) -> None:
    error = i2c_error(number, "0x76", "i2c1")
    assert type(error) is kind
    assert error.is_transient is is_transient
    assert error.code is code
    assert "i2c1" in str(error)
    assert named(number) in str(error)


def test_every_error_number_has_a_sentence_without_gaps() -> None:
    for number in errno.errorcode:
        assert "{" not in str(i2c_error(number, "0x76", "i2c1"))


def test_a_number_without_a_name_is_shown_as_it_is() -> None:
    assert named(121) == "EREMOTEIO"
    assert named(99999) == "error 99999"


@pytest.mark.parametrize(("node", "kind"), [("ttyUSB0", "ttyUSB"), ("ttySC11", "ttySC"), ("i2c-20", "i2c")])
def test_a_kind_of_device_that_the_unit_does_not_allow_is_named_as_the_unit_takes_it(node: str, kind: str) -> None:
    fault = no_permission(errno.EPERM, Path("/dev/serial/by-id/usb-x"), Path("/dev") / node, group="dialout")
    assert "/dev/serial/by-id/usb-x is refused" in str(fault)
    assert f"DeviceAllow=char-{kind} rw " in str(fault)


def test_a_mode_of_a_file_that_is_in_the_way_names_the_group() -> None:
    fault = no_permission(errno.EACCES, Path("/dev/ttyUSB0"), Path("/dev/ttyUSB0"), group="dialout")
    assert "usermod -aG dialout" in str(fault)
