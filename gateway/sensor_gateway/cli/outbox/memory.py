"""What a command says where it could not look at what waits in memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sensor_gateway.cli.arguments import say

if TYPE_CHECKING:
    from sensor_gateway.outbox.inspection.snapshot import Snapshot


def tell_of_memory(snapshot: Snapshot) -> int:
    """Say it on standard error; the exit code: 74 where something may wait there that is not shown, else 0."""
    from sensor_gateway.outbox.inspection.complaints import HOT_GONE, memory_complaint

    complaint = memory_complaint(snapshot)
    if complaint is None:
        return os.EX_OK
    say(f"sensor-gateway: {complaint.text}")
    return os.EX_OK if complaint.name == HOT_GONE else os.EX_IOERR
