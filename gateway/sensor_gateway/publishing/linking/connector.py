"""Gets a connection to the broker: one try at a time, in a thread that lives until it has one or is no longer wanted.

Everything that may block is here: names, TCP, TLS, and the wait for the broker's greeting. The result is handed over as
one value. The waits between tries are spread at random, so that a fleet does not come back in step.
"""

from __future__ import annotations

import random
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import tenacity

from sensor_gateway.model.errors import GatewayError
from sensor_gateway.publishing.mqtt import MqttClient
from sensor_gateway.publishing.session import Connection
from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.tls.renewal import stamps_of
from sensor_gateway.publishing.wire.dialing import dial, meaning
from sensor_gateway.publishing.wire.greeting import Greeting, Protocol, Will
from sensor_gateway.publishing.wire.retry_rule import RetryRule

_GREETING_TIMEOUT_S: Final = 10.0
_STABLE_S: Final = 60.0
"""A connection that lasted so long counts as good: the next wait is short again."""

_LEAST_PACKET: Final = 512
"""A broker that takes less takes no event, nor the gap that would tell of it: everything would be given up."""

_SUCCESS: Final = 0x00
_UNSUPPORTED_VERSION: Final = 0x84
NEEDS_A_PERSON: Final = {
    0x84: "the broker speaks neither MQTT 5 nor MQTT 3.1.1",
    0x85: "the broker does not accept our client id: set mqtt.client_id",
    0x86: "the broker does not accept our user name or password: see mqtt.username and mqtt.password_file",
    0x87: "the broker does not allow us to connect: see mqtt.username, mqtt.password_file and the broker's access list",
    0x8A: "the broker has banned us",
    0x8C: "the broker wants a way of authentication that we do not know",
    0x90: "the broker does not accept the topic of our last will: see mqtt.topic_prefix",
    0x9A: "the broker does not allow retained messages, which status and availability need",
    0x9B: "the broker does not allow QoS 1, without which nothing is ever acknowledged",
}
"""CONNACK reasons that no retry cures. Tried again all the same, seldom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A try that failed, in a sentence for the operator."""

    why: str
    needs_a_person: bool


class NoConnection(GatewayError):
    """One try to connect failed."""

    is_transient = True

    def __init__(self, why: str, *, needs_a_person: bool = False) -> None:
        """Say why, and whether somebody has to change something."""
        self.refusal = Refusal(why=why, needs_a_person=needs_a_person)
        super().__init__(why)


class Connector:
    """Tries until it has a connection. Results wait in a queue; ``wake`` is called when there is one."""

    def __init__(
        self,
        broker: BrokerSettings,
        will: Will,
        *,
        wake: Callable[[], None],
        dialer: Callable[[BrokerSettings], socket.socket] = dial,
        chance: random.Random | None = None,
    ) -> None:
        """Know the broker; nothing happens before ``start``."""
        self._broker = broker
        self._will = will
        self._wake = wake
        self._dial = dialer
        self._rule = RetryRule(first_spread_s=broker.first_retry_spread_s, longest_s=broker.retry_max_s)
        self._chance = chance or random.Random()  # noqa: S311 - spreads load, keeps no secret
        self._failures = 0
        self._stands_down = False
        self._is_planned = False
        self._attempt: _Attempt | None = None

    @property
    def is_running(self) -> bool:
        """Whether a thread is at work, perhaps one that hangs in a name server."""
        return self._attempt is not None

    def start(self) -> None:
        """Begin to try. One at a time: while a try is under way this does nothing."""
        attempt = self._attempt
        if attempt is not None and (attempt.results or attempt.thread.is_alive()):
            return
        self._attempt = _Attempt(self.connect, self._waits(self._failures), wake=self._wake)
        self._attempt.start(self._first_wait_s())

    def take(self) -> Connection | Refusal | None:
        """The next result, if there is one. A connection ends the attempt; a refusal does not."""
        attempt = self._attempt
        if attempt is None or not attempt.results:
            return None
        result = attempt.results.popleft()
        if isinstance(result, Connection):
            self._attempt = None
        else:
            self._failures += 1
        return result

    def lost(self, after_s: float, *, to_a_stranger: bool = False, is_planned: bool = False) -> None:
        """The connection handed over is gone: one taken over is not soon replaced, one that we renew at once."""
        self._failures = 0 if after_s >= _STABLE_S or is_planned else self._failures + 1
        self._stands_down = to_a_stranger
        self._is_planned = is_planned

    def stop(self) -> None:
        """Give up. A thread that hangs is left alone; what it brings later is closed."""
        attempt = self._attempt
        self._attempt = None
        if attempt is not None:
            attempt.abandon()

    def _first_wait_s(self) -> float:
        if self._stands_down:
            self._stands_down = False
            return self._rule.long_wait_s(self._chance)
        if self._is_planned:
            self._is_planned = False
            return 0.0
        return self._rule.wait_s(self._failures, self._chance)

    def _waits(self, failures: int) -> Callable[[tenacity.RetryCallState], float]:
        """How long to wait after a failed try: full jitter; long where only a person can help."""

        def wait_s(state: tenacity.RetryCallState) -> float:
            refusal = _refusal(state)
            if refusal is not None and refusal.needs_a_person:
                return self._rule.long_wait_s(self._chance)
            return self._rule.wait_s(failures + state.attempt_number, self._chance)

        return wait_s

    def connect(self) -> Connection:
        """One try: MQTT 5, and 3.1.1 only where the broker says that it does not know MQTT 5."""
        if self._broker.version == "3.1.1":
            return self._greeted(Protocol.V311)
        connection = self._greeted(Protocol.V5, may_fall_back=self._broker.version == "auto")
        if connection.limits.reason == _UNSUPPORTED_VERSION:
            connection.client.drop()
            return self._greeted(Protocol.V311)
        return connection

    def _greeted(self, protocol: Protocol, *, may_fall_back: bool = False) -> Connection:
        client = MqttClient(self._broker, self._will, protocol, dial=self._dial)
        tls_files = stamps_of(self._broker.tls)
        try:
            descriptor = client.open()
        except (OSError, ValueError) as error:
            client.drop()
            raise NoConnection(meaning(error)) from error
        greeting = _greeting(client, descriptor)
        problem = _problem(greeting, client)
        if problem is not None and not (may_fall_back and greeting and greeting.reason == _UNSUPPORTED_VERSION):
            client.drop()
            raise problem
        assert greeting is not None  # noqa: S101 - no greeting is a problem
        return Connection(client=client, descriptor=descriptor, limits=greeting, tls_files=tls_files)


class _Attempt:
    """One thread and what it found. Abandoned, it closes what it brings."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        wait_s: Callable[[tenacity.RetryCallState], float],
        *,
        wake: Callable[[], None],
    ) -> None:
        self.results: deque[Connection | Refusal] = deque()
        self.thread = threading.Thread(target=self._run, name="connector", daemon=True)
        self._connect = connect
        self._wait_s = wait_s
        self._wake = wake
        self._first_wait_s = 0.0
        self._abandoned = threading.Event()

    def start(self, after_s: float) -> None:
        self._first_wait_s = after_s
        self.thread.start()

    def abandon(self) -> None:
        self._abandoned.set()
        while self.results:
            result = self.results.popleft()
            if isinstance(result, Connection):
                result.client.close("no longer wanted")

    def _run(self) -> None:
        if self._abandoned.wait(self._first_wait_s):
            return
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(NoConnection),
            wait=self._wait_s,
            sleep=self._pause,
            stop=tenacity.stop_when_event_set(self._abandoned),
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            connection = tries(self._connect)
        except NoConnection:
            return  # abandoned meanwhile
        self.results.append(connection)
        if self._abandoned.is_set():
            self.abandon()
        else:
            self._wake()

    def _pause(self, seconds: float) -> None:
        self._abandoned.wait(seconds)

    def _tell(self, state: tenacity.RetryCallState) -> None:
        refusal = _refusal(state)
        if refusal is not None:
            self.results.append(refusal)
            self._wake()


def _refusal(state: tenacity.RetryCallState) -> Refusal | None:
    error = None if state.outcome is None else state.outcome.exception()
    return error.refusal if isinstance(error, NoConnection) else None


def _greeting(client: MqttClient, descriptor: int) -> Greeting | None:
    """Wait for CONNACK, by hand: paho's own loop would leave a socket pair behind that every publish writes to."""
    deadline_s = time.monotonic() + _GREETING_TIMEOUT_S
    poll = select.poll()
    while client.greeting is None and client.loss is None:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            break
        poll.register(descriptor, select.POLLIN | (select.POLLOUT if client.wants_write else 0))
        ready = poll.poll(left_s * 1000)
        happened = ready[0][1] if ready else 0
        client.serve(readable=bool(happened & ~select.POLLOUT), writable=bool(happened & select.POLLOUT))
    return client.greeting


def _problem(greeting: Greeting | None, client: MqttClient) -> NoConnection | None:
    """What speaks against this connection; None if it may be used."""
    if greeting is None:
        loss = client.loss
        if loss is None:
            what = f"it said nothing for {_GREETING_TIMEOUT_S:g} s"
        else:
            what = loss.text if loss.by_peer else "what answers does not speak MQTT"
        if loss is not None and loss.is_alert:
            return NoConnection(loss.text)
        hint = (
            ""
            if client.protocol is Protocol.V311
            else "; a broker that knows only MQTT 3.1.1 may need mqtt.version: '3.1.1'"
        )
        return NoConnection(f"no greeting came from the broker: {what}{hint}")
    sentence = _for_a_person(greeting)
    if sentence is not None:
        return NoConnection(sentence, needs_a_person=True)
    if greeting.reason != _SUCCESS:
        return NoConnection(f"the broker refused the connection: {greeting.text}")
    if client.loss is not None:
        return NoConnection(client.loss.text)
    return None


def _for_a_person(greeting: Greeting) -> str | None:
    """What only a person can mend: a refusal of that kind, or a limit with which nothing can be delivered."""
    if greeting.maximum_qos == 0:
        return NEEDS_A_PERSON[0x9B]
    if greeting.maximum_packet < _LEAST_PACKET:
        return f"the broker takes messages of at most {greeting.maximum_packet} bytes, which is too little for events"
    return NEEDS_A_PERSON.get(greeting.reason)
