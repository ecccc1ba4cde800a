"""An MQTT broker in Python for the demonstration, where mosquitto is not installed. The only door to amqtt.

amqtt speaks MQTT 3.1.1. It comes with the optional extra ``sensor-gateway[demo]``.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

_START_TIMEOUT_S = 10.0


def is_installed() -> bool:
    """Whether the optional extra is there."""
    try:
        import amqtt.broker  # noqa: F401, PLC0415 - an optional extra, heavy, and looked for only here
    except ImportError:
        return False
    return True


class EmbeddedBroker:
    """One life of a broker on a loopback port, with its own thread and event loop."""

    def __init__(self, port: int) -> None:
        """Run on 127.0.0.1:``port`` from ``start()`` to ``stop()``."""
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="broker", daemon=True)
        self._broker: Any = None

    def start(self) -> None:
        """Come up; returns when the port answers. TimeoutError when it does not."""
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)
        logging.getLogger("transitions").setLevel(logging.CRITICAL)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._come_up(), self._loop).result(_START_TIMEOUT_S)

    async def _come_up(self) -> None:
        from amqtt.broker import Broker  # noqa: PLC0415 - an optional extra

        plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        listeners = {"default": {"type": "tcp", "bind": f"127.0.0.1:{self._port}"}}
        self._broker = Broker({"listeners": listeners, "plugins": plugins})
        await self._broker.start()

    def stop(self) -> None:
        """Go away, and drop every connection."""
        asyncio.run_coroutine_threadsafe(self._broker.shutdown(), self._loop).result(_START_TIMEOUT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_TIMEOUT_S)
        self._loop.close()
