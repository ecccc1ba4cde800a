"""Ends a client of paho's with all of its sockets.

Those that it leaves to the garbage collection are found open at times, and fail whatever test runs just then.
"""

from __future__ import annotations

from paho.mqtt.client import Client


def let_go(client: Client) -> None:
    """Say goodbye where there is a connection, end its thread where it has one, and close everything."""
    client.disconnect()
    client.loop_stop()
    client._reset_sockets()
