"""What the kernel counts as written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sensor_gateway.service.health.flash_writes import bytes_written

PROC_5 = """\
rchar: 323934931
wchar: 323929600
syscr: 632687
syscw: 632675
read_bytes: 0
write_bytes: 323932160
cancelled_write_bytes: 0
"""
"""The example of proc(5), /proc/pid/io."""


def test_write_bytes_is_what_counts(tmp_path: Path) -> None:
    file = tmp_path / "io"
    file.write_text(PROC_5)
    assert bytes_written(file) == 323_932_160


@pytest.mark.parametrize("text", ["", "wchar: 1\n", "write_bytes: many\n", "write_bytes:", "\xff"])
def test_a_kernel_that_does_not_count_gives_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "io"
    file.write_text(text, "latin-1")
    assert bytes_written(file) is None
    assert bytes_written(tmp_path / "missing") is None


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="this kernel does not count")
def test_what_goes_to_memory_is_not_counted() -> None:
    before = bytes_written()
    assert before is not None
    descriptor = os.memfd_create("hot")
    try:
        os.write(descriptor, bytes(1_000_000))
    finally:
        os.close(descriptor)
    after = bytes_written()
    assert after is not None
    assert after - before < 1_000_000
