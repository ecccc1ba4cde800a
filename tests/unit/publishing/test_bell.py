"""The bell wakes a selector, and never rings for anybody else."""

from __future__ import annotations

import os
import select

import pytest

from sensor_gateway.publishing.bell import Bell


def test_a_ring_is_seen_once_however_often_it_rang() -> None:
    bell = Bell()
    with select.epoll() as poll:
        poll.register(bell, select.EPOLLIN)
        assert not poll.poll(0)
        bell.ring()
        bell.ring()
        assert poll.poll(0)
        bell.heard()
        assert not poll.poll(0)
        with pytest.raises(BlockingIOError):
            bell.heard()


def test_its_descriptor_lives_as_long_as_somebody_may_ring() -> None:
    """A descriptor that is closed while a thread is about to ring may be another file's by then."""
    bell: Bell | None = Bell()
    assert bell is not None
    ring, descriptor = bell.ring, bell.fileno()
    bell = None
    ring()
    os.fstat(descriptor)
    del ring
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
