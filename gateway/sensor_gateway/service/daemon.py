"""The daemon's life: start, signals, supervision, stop. The main thread's loop."""

from __future__ import annotations

import faulthandler
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from sensor_gateway import __version__
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.log import Log
from sensor_gateway.model.vitals.past import Ending
from sensor_gateway.outbox.outbox import LONGEST_CLOSE_S
from sensor_gateway.service.assembly import Gateway
from sensor_gateway.service.control.control import Control
from sensor_gateway.service.history.history import ENDS_WITHIN_S
from sensor_gateway.service.reload_requests.answer import Outcome, ReloadAnswer
from sensor_gateway.service.reloading.reload import Reloader
from sensor_gateway.service.supervision import PublisherHung
from sensor_gateway.service.systemd.attendant import Attendant
from sensor_gateway.service.systemd.notification import Notifier, watchdog_s

STOP_WITHIN_S: Final = 5.0
"""A stop takes at most so long; at a shutdown of the machine the threads and the card are waited for on top."""

_LEAST_CLOSE_S: Final = 0.5
_THREADS_AT_SHUTDOWN_S: Final = 4.5
"""Only a gateway whose threads have ended is put on flash, and then nothing else keeps what waits."""

_STOPS: Final = (signal.SIGTERM, signal.SIGINT)


def note_hangups() -> list[int]:
    """From now on SIGHUP ends nothing. Those that come before a daemon runs are in the list."""
    came: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _: came.append(number))
    return came


class Daemon:
    """Runs a gateway in the foreground until SIGTERM or SIGINT. SIGHUP reloads its configuration."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        clock: Clock,
        log: Log,
        reloader: Reloader | None = None,
        control: Control | None = None,
        hangups: Sequence[int] = (),
    ) -> None:
        """Run ``gateway``, which is assembled and not started. ``hangups`` are the signals that came before.

        The environment tells whether a service manager wants to hear of it.
        """
        self._gateway = gateway
        self._control = control
        self._reloader = reloader
        self._hangups = hangups
        self._busy = "the gateway is starting: it reads its configuration by itself"
        self._has_terminal = os.isatty(sys.stderr.fileno())
        self._clock = clock
        self._log = log
        self._attendant = Attendant(
            Notifier(os.environ),
            gateway,
            watchdog_s=watchdog_s(os.environ),
            log=log,
        )
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._reloads = None if gateway.desk is None else gateway.desk.reloads

    def run(self) -> int:
        """Run until a signal; the exit code."""
        faulthandler.enable()  # a watchdog ends us by SIGABRT: then the log shows where each thread stood
        with self._gateway.history:
            return self._run()

    def _run(self) -> int:
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in (*_STOPS, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        if self._hangups:
            os.write(self._write, bytes([signal.SIGHUP]))
        self._log.info("gateway_started", version=__version__, **self._gateway.facts())
        if not self._gateway.publisher.outlets:
            self._log.warning(
                "no_sensors_yet", mind="run `sensor-gateway scan`, and put what it prints below `sensors:`"
            )
        if self._control is not None:
            self._control.open(ring=self._ring)
        self._gateway.exporter.open(self._gateway.setup.metrics)
        try:
            self._gateway.supervisor.start()
            self._busy = ""
            if self._reloads is not None:
                self._reloads.open(ring=self._ring, wake=self._gateway.publisher.wake)
            self._supervise()
            self._busy = "the gateway is stopping"
        except PublisherHung as error:
            self._log.error("publisher_hung", reason=str(error), exit_code=os.EX_SOFTWARE)
            self._attendant.stopping(str(error))
            self._gateway.recoveries.close()
            self._gateway.history.end(Ending.HUNG, str(error))
            os._exit(os.EX_SOFTWARE)  # its thread cannot be ended, and holds the outbox
        code = self._stop()
        for number in (*_STOPS, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # Python's own end would bring the deadly default back
        return code

    def reload(self) -> ReloadAnswer:
        """Read the configuration anew and change what differs; from the main thread, in which signals are served.

        It is answered at any time: BUSY during start and stop, and inside another reload.
        """
        if self._busy or self._reloader is None:
            problem = self._busy or "the gateway was started without a configuration file"
            return ReloadAnswer(outcome=Outcome.BUSY, problems=(problem,))
        self._busy = "another reload is under way"
        self._attendant.reloading()
        try:
            return self._reloader.reload()
        finally:
            self._attendant.reloaded()
            self._busy = ""

    def _supervise(self) -> None:
        while True:
            wait_s = self._gateway.supervisor.step()
            wait_s = min(wait_s, self._attendant.turn(self._clock.monotonic()), self._gateway.recoveries.turn())
            self._gateway.history.foresee(self._attendant.complaint)
            if self._reloader is not None:
                self._reloader.turn()
            ready, _, _ = select.select([self._read], [], [], wait_s)
            if ready:
                numbers = os.read(self._read, 64)
                if set(_STOPS) & set(numbers) or (signal.SIGHUP in numbers and self._is_abandoned()):
                    return
                if signal.SIGHUP in numbers:
                    self.reload()
                if self._reloads is not None:
                    self._reloads.serve(self.reload)
            if self._control is not None:
                self._control.turn(self.reload)
            self._gateway.exporter.turn()
            self._gateway.history.turn(self._clock.monotonic())
            self._gateway.retained.turn()

    def _ring(self) -> None:
        """From any thread: look now. No signal has the number 0."""
        with suppress(BlockingIOError):  # full: it will look anyway
            os.write(self._write, b"\0")

    def _is_abandoned(self) -> bool:
        """Whether it ran in a terminal that is gone: then nobody could end it there any more."""
        return self._has_terminal and not os.isatty(sys.stderr.fileno())

    def _stop(self) -> int:
        self._log.info("gateway_stopping")
        self._attendant.stopping("stopping")
        is_done = stop_in_time(self._gateway, self._control, self._clock)
        self._log.info("gateway_stopped", waiting=self._gateway.outbox.pending)
        if not is_done:
            self._gateway.history.end(Ending.CLEAN, "a thread hung, and was left behind")
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


def stop_in_time(
    gateway: Gateway, control: Control | None, clock: Clock, *, is_shutdown: Callable[[], bool] = machine_is_stopping
) -> bool:
    """Stop all threads, and give everything back: within STOP_WITHIN_S, of which history keeps its part for its end.

    False where a thread hung, and nothing could be given back.
    """
    until_s = clock.monotonic() + STOP_WITHIN_S - ENDS_WITHIN_S
    to_flash = is_shutdown()
    gateway.exporter.stop()
    gateway.recoveries.stop()
    if control is not None:
        control.close()
    left_s = until_s - _LEAST_CLOSE_S - clock.monotonic()
    have_ended = gateway.supervisor.stop(_THREADS_AT_SHUTDOWN_S if to_flash else left_s)
    gateway.recoveries.close(within_s=until_s - _LEAST_CLOSE_S - clock.monotonic())
    if not have_ended:
        return False
    left_s = max(_LEAST_CLOSE_S, until_s - clock.monotonic())
    gateway.close(to_flash=to_flash, within_s=LONGEST_CLOSE_S if to_flash else left_s)
    return True
