"""Code that breaks a gateway before it runs, for those tests that are to find it out."""

from __future__ import annotations

HANGING_PUBLISHER = """
import threading
from sensor_gateway.publishing.publisher import Publisher

sound = Publisher.step

def step(self, wait_s=0.0):
    if self.progress > 5:
        threading.Event().wait(3600)
    return sound(self, wait_s)

Publisher.step = step
"""
