"""The daemon's life: start, signals, supervision, stop. The main thread's loop."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
from typing import Final

from sensor_gateway import __version__
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.log import Log
from sensor_gateway.outbox.outbox import LONGEST_CLOSE_S
from sensor_gateway.service.assembly import Gateway
from sensor_gateway.service.supervision import PublisherHung

STOP_WITHIN_S: Final = 4.5
"""SIGTERM to exit takes at most 5 s; a shutdown of the machine waits for the card on top."""

_LEAST_CLOSE_S: Final = 0.5

_STOPS: Final = (signal.SIGTERM, signal.SIGINT)


class Daemon:
    """Runs a gateway in the foreground until SIGTERM or SIGINT."""

    def __init__(self, gateway: Gateway, *, clock: Clock, log: Log) -> None:
        """Run ``gateway``, which is assembled and not started."""
        self._gateway = gateway
        self._clock = clock
        self._log = log
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> int:
        """Run until a signal; the exit code."""
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in _STOPS:
            signal.signal(number, lambda *_: None)
        self._log.info("gateway_started", version=__version__, **self._gateway.facts())
        if not self._gateway.publisher.outlets:
            self._log.warning("no_sensors_yet", mind="add one below `sensors:`; `sensor-gateway drivers` lists them")
        try:
            self._gateway.supervisor.start()
            self._supervise()
        except PublisherHung as error:
            self._log.error("publisher_hung", reason=str(error), exit_code=os.EX_SOFTWARE)
            os._exit(os.EX_SOFTWARE)  # its thread cannot be ended, and holds the outbox
        code = self._stop()
        for number in _STOPS:
            signal.signal(number, signal.SIG_IGN)  # Python's own end would bring the deadly default back
        return code

    def _supervise(self) -> None:
        while True:
            wait_s = self._gateway.supervisor.step()
            ready, _, _ = select.select([self._read], [], [], wait_s)
            if ready:
                numbers = os.read(self._read, 64)
                if set(_STOPS) & set(numbers):
                    return

    def _stop(self) -> int:
        self._log.info("gateway_stopping")
        until_s = self._clock.monotonic() + STOP_WITHIN_S
        is_done = self._gateway.supervisor.stop(STOP_WITHIN_S)
        if is_done:
            is_shutdown = machine_is_stopping()
            left_s = max(_LEAST_CLOSE_S, until_s - self._clock.monotonic())
            self._gateway.close(to_flash=is_shutdown, within_s=LONGEST_CLOSE_S if is_shutdown else left_s)
        self._log.info("gateway_stopped", waiting=self._gateway.outbox.pending)
        if not is_done:
            os._exit(os.EX_OK)  # what append() accepted is in the hot journal; a thread that hangs is left behind
        return os.EX_OK


def machine_is_stopping() -> bool:
    """Whether systemd is shutting the machine down, which ends what is kept in memory."""
    systemctl = shutil.which("systemctl")
    if systemctl is None or not os.path.isdir("/run/systemd/system"):  # noqa: PTH112 - cheaper than a Path at stop
        return False
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed question to systemd
            [systemctl, "is-system-running"], capture_output=True, text=True, timeout=1.0, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.strip() == "stopping"
