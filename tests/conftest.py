"""What holds for all tests: how long an example takes says nothing on a loaded machine, and no module leaks files.

What is slow is found by --durations. select() takes no descriptor above 1023, so a leak fails a test far from it.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

MOST_LEFT_OPEN = 100
"""Descriptors that one module of tests may leave: what is kept by the process, or waits for its end."""

settings.register_profile("house", settings(), deadline=None, max_examples=40)
settings.register_profile("glance", settings(), deadline=None, max_examples=5)
settings.register_profile("deep", settings(), deadline=None, max_examples=1000)
if settings.get_current_profile_name() == "default":  # and not what --hypothesis-profile asks for
    settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--brokers", default="", help="which brokers tests/system/publishing/test_brokers.py tries, or all"
    )


def open_files() -> list[str]:
    """What each descriptor of this process leads to."""
    found = []
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (names, which may be gone in a moment)
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))  # noqa: PTH115 (it may lead to no path)
        except OSError:
            continue
    return found


@pytest.fixture(scope="module", autouse=True)
def _leaves_no_files_open(request: pytest.FixtureRequest) -> Iterator[None]:
    before = len(open_files())
    yield
    if len(open_files()) <= before + MOST_LEFT_OPEN:
        return
    gc.collect()
    now = open_files()
    if len(now) > before + MOST_LEFT_OPEN:
        name = Path(request.path).name
        pytest.fail(f"{name} began with {before} open files, and leaves {len(now)}: {sorted(now)}")
