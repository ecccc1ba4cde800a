"""Modbus over TCP, in both envelopes: pymodbus as the peer, and peers that are late, torn, wrong, silent or gone."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from errno import EAFNOSUPPORT, EMFILE
from queue import SimpleQueue
from typing import Any

import pytest
from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from sensor_drivers.modbus import Modbus
from sensor_drivers.register_map import Options, Register
from sensor_gateway.driver import Exchange, Seconds, crc16_modbus
from sensor_gateway.model.errors import BusMissing, NoAnswer
from sensor_gateway.sensing.bus import SerialLine
from sensor_gateway.sensing.exchange import Exchanger
from sensor_gateway.sensing.tcp.line import TcpLine, TcpSettings
from sensor_gateway.sensing.tcp.mbap import ModbusTcpLine, enveloped, unenveloped
from sensor_gateway.sensing.tcp.name_lookup import NameLookup
from sensor_gateway.service.demonstration.loopback_ports import free_port
from sensor_gateway.service.system_clock import SystemClock

UNIT = 7
TIMEOUT_S = 0.3
"""Where no answer is to come, or a late one."""
PATIENCE_S = 10.0
"""Where one is to come, on a machine that may have much else to do."""


def device(unit: int = UNIT, timeout_s: float = PATIENCE_S) -> Modbus:
    kinds: dict[str, Any] = {"a": ("holding", 1, "s16"), "b": ("holding", 2, "u32"), "c": ("input", 5, "f32")}
    registers = {
        name: Register(function=function, register=register, type=kind, quantity="other", unit="1")
        for name, (function, register, kind) in kinds.items()
    }
    return Modbus(Options(registers=registers, timeout=Seconds(timeout_s)), unit)


def measured(line: SerialLine, asked: Modbus, unit: int = UNIT) -> dict[str, float]:
    exchanger = Exchanger(line, SystemClock())
    steps = asked.measure()
    step = next(steps)
    try:
        while True:
            assert isinstance(step, Exchange)
            step = steps.send(exchanger.exchange(step, unit))
    except StopIteration as end:
        return dict(end.value)


def tcp(port: int, host: str = "127.0.0.1", connect_timeout_s: float = 1.0) -> TcpLine:
    return TcpLine("line", TcpSettings(host=host, port=port, connect_timeout_s=connect_timeout_s))


def enveloping(line: TcpLine, framing: str) -> SerialLine:
    return ModbusTcpLine(line) if framing == "mbap" else line


# pymodbus as the peer


@pytest.fixture(params=["mbap", "rtu"])
def pymodbus_line(request: pytest.FixtureRequest) -> Iterator[SerialLine]:
    port, loop = free_port(), asyncio.new_event_loop()
    holding = SimData(1, values=[0xFFFB, 1, 0x1170], datatype=DataType.REGISTERS)
    inputs = SimData(5, values=[1.5], datatype=DataType.FLOAT32)
    nothing = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    framer = FramerType.SOCKET if request.param == "mbap" else FramerType.RTU
    stopped = threading.Event()
    ready = threading.Event()

    async def serve() -> None:
        simulated = SimDevice(id=UNIT, simdata=(nothing, nothing, [holding], [inputs]))
        server = ModbusTcpServer(simulated, framer=framer, address=("127.0.0.1", port))
        serving = asyncio.create_task(server.serve_forever(background=True))
        await serving
        ready.set()
        await asyncio.to_thread(stopped.wait)
        await server.shutdown()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    connection = tcp(port)
    line = enveloping(connection, request.param)
    yield line
    line.close()
    stopped.set()
    thread.join(10)
    loop.close()


def test_pymodbus_is_read(pymodbus_line: SerialLine) -> None:
    pymodbus_line.open()
    for _ in range(3):
        assert measured(pymodbus_line, device()) == {"a": -5, "b": 70_000, "c": 1.5}


# Scripted peers


class Peer:
    """A server on 127.0.0.1 that answers each request as ``answer`` says: pieces to send, with pauses in seconds."""

    def __init__(self, answer: Callable[[bytes], list[bytes | float | None]]) -> None:
        self.requests: SimpleQueue[bytes] = SimpleQueue()
        self.accepted = 0
        self._answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                peer = self._listening.accept()[0]
                self.accepted += 1
                with peer, suppress(OSError):
                    self._talk(peer)

    def _talk(self, peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while heard := peer.recv(4096):
            self.requests.put(heard)
            for piece in self._answer(heard):
                if piece is None:
                    return
                if isinstance(piece, bytes):
                    peer.sendall(piece)
                else:
                    threading.Event().wait(piece)

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def serving() -> Iterator[Callable[[Callable[[bytes], list[bytes | float | None]]], Peer]]:
    peers: list[Peer] = []

    def start(answer: Callable[[bytes], list[bytes | float | None]]) -> Peer:
        peers.append(Peer(answer))
        return peers[-1]

    yield start
    for peer in peers:
        peer.close()


def rtu_answer(request: bytes, value: int = 608) -> bytes:
    """One register, as a device with RTU answers."""
    body = request[:2] + b"\x02" + value.to_bytes(2, "big")
    return body + crc16_modbus(body)


def answer_to(request: bytes, framing: str, value: int = 608) -> bytes:
    if framing == "rtu":
        return rtu_answer(request, value)
    transaction = int.from_bytes(request[:2], "big")
    return enveloped(rtu_answer(request[6:], value), transaction)


def single(timeout_s: float = PATIENCE_S, unit: int = UNIT) -> Modbus:
    register = Register(register=1, type="u16", quantity="carbon_dioxide")
    return Modbus(Options(registers={"co2": register}, timeout=Seconds(timeout_s)), unit)


Serving = Callable[[Callable[[bytes], "list[bytes | float | None]"]], Peer]
FRAMINGS = pytest.mark.parametrize("framing", ["mbap", "rtu"])


@FRAMINGS
def test_an_answer_in_single_bytes_is_one_answer(serving: Serving, framing: str) -> None:
    def torn(request: bytes) -> list[bytes | float | None]:
        pieces: list[bytes | float | None] = []
        for byte in answer_to(request, framing):
            pieces += [bytes((byte,)), 0.005]
        return pieces

    peer = serving(torn)
    line = enveloping(tcp(peer.port), framing)
    line.open()
    assert measured(line, single()) == {"co2": 608}
    line.close()


@FRAMINGS
def test_a_late_answer_is_never_taken_for_the_next_one(serving: Serving, framing: str) -> None:
    values = iter(range(400, 500))
    first = [True]

    def late(request: bytes) -> list[bytes | float | None]:
        answer = answer_to(request, framing, next(values))
        if first.pop() if first else False:
            return [answer[:5], TIMEOUT_S + 1.0, answer[5:]]
        return [answer]

    peer = serving(late)
    line = enveloping(tcp(peer.port), framing)
    line.open()
    exchanger = Exchanger(line, SystemClock())
    hasty, patient = (next(single(timeout_s).measure()) for timeout_s in (TIMEOUT_S, PATIENCE_S))
    assert isinstance(hasty, Exchange)
    assert isinstance(patient, Exchange)
    with pytest.raises(NoAnswer):
        exchanger.exchange(hasty, UNIT)
    for value in (401, 402, 403):
        frame = exchanger.exchange(patient, UNIT)
        assert int.from_bytes(frame[3:5], "big") == value
    line.close()


def test_half_a_late_answer_does_not_put_the_envelopes_out_of_step(serving: Serving) -> None:
    """The rest comes after the next request has gone out."""

    def late(request: bytes) -> list[bytes | float | None]:
        answer = answer_to(request, "mbap", peer.requests.qsize())
        return [answer[:8], 0.3, answer[8:]] if peer.requests.qsize() == 1 else [answer]

    peer = serving(late)
    line = ModbusTcpLine(tcp(peer.port))
    line.open()
    request = bytes.fromhex("07 03 00 01 00 01")
    request += crc16_modbus(request)
    line.write(request, 1.0)
    assert line.read(0.1) == b""
    line.discard()
    line.write(request, 1.0)
    assert line.read(2.0) == rtu_answer(request, 2)
    assert line.discard() == 11
    line.close()


def test_answers_of_another_transaction_are_passed_over_and_counted(serving: Serving) -> None:
    def wrong(request: bytes) -> list[bytes | float | None]:
        other = bytes((request[0] ^ 0x40, *request[1:]))
        return [answer_to(other, "mbap", 1) + answer_to(other, "mbap", 2) + answer_to(request, "mbap", 3)]

    peer = serving(wrong)
    line = ModbusTcpLine(tcp(peer.port))
    line.open()
    assert measured(line, single()) == {"co2": 3}
    assert line.discard() == 22
    line.close()


def test_a_reader_that_ignores_transactions_is_caught(serving: Serving) -> None:
    """The control: the same peer, and a line that takes any answer."""

    class Gullible(ModbusTcpLine):
        def _answer(self) -> bytes:
            found = unenveloped(self._buffer)
            if found is None:
                return b""
            self._buffer = self._buffer[found[0] :]
            return found[2]

    def wrong(request: bytes) -> list[bytes | float | None]:
        other = bytes((request[0] ^ 0x40, *request[1:]))
        return [answer_to(other, "mbap", 1) + answer_to(request, "mbap", 3)]

    line = Gullible(tcp(serving(wrong).port))
    line.open()
    assert measured(line, single()) != {"co2": 3}
    line.close()


@FRAMINGS
def test_another_unit_is_no_answer(serving: Serving, framing: str) -> None:
    def other(request: bytes) -> list[bytes | float | None]:
        place = 6 if framing == "mbap" else 0
        return [answer_to(request[:place] + b"\x09" + request[place + 1 :], framing)]

    line = enveloping(tcp(serving(other).port), framing)
    line.open()
    with pytest.raises(Exception, match=r"none of them is an answer|no answer"):
        measured(line, single(TIMEOUT_S))
    line.close()


@FRAMINGS
def test_a_silent_unit_costs_its_deadline_and_no_more(serving: Serving, framing: str) -> None:
    line = enveloping(tcp(serving(lambda _request: []).port), framing)
    line.open()
    began_s = time.monotonic()
    with pytest.raises(NoAnswer):
        measured(line, single(TIMEOUT_S))
    assert TIMEOUT_S * 0.9 < time.monotonic() - began_s < TIMEOUT_S + 2.0
    line.close()


@FRAMINGS
def test_a_connection_that_is_closed_within_an_exchange_is_missing(serving: Serving, framing: str) -> None:
    peer = serving(lambda _request: [b"\x00", None])
    line = enveloping(tcp(peer.port), framing)
    line.open()
    with pytest.raises(BusMissing, match="closed by the other side"):
        measured(line, single())
    with pytest.raises(BusMissing, match="is not connected"):
        line.read(0.1)
    line.open()
    line.close()


@FRAMINGS
def test_one_that_is_closed_between_two_exchanges_is_opened_again_within_the_next(
    serving: Serving, framing: str
) -> None:
    peer = serving(lambda request: [answer_to(request, framing), None])
    line = enveloping(tcp(peer.port), framing)
    line.open()
    for count in (1, 2, 3):
        assert measured(line, single()) == {"co2": 608}
        assert peer.accepted == count
        threading.Event().wait(0.05)
    line.close()


def test_nobody_who_listens_is_missing_and_told_at_once() -> None:
    line = tcp(free_port(), connect_timeout_s=5.0)
    began_s = time.monotonic()
    with pytest.raises(BusMissing, match="nobody listens there"):
        line.open()
    assert time.monotonic() - began_s < 2.0


def addresses_are(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[socket.AddressFamily, Any]) -> None:
    """Have any name stand for these."""
    found = [(family, socket.SOCK_STREAM, 6, "", place) for family, place in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port of 127.0.0.1 that takes no more connections, and does not say so."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port: int = full.getsockname()[1]
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.settimeout(0)
            with suppress(BlockingIOError):
                one.connect(("127.0.0.1", port))
        yield port


def test_one_who_does_not_take_connections_costs_the_time_for_that(full_port: int) -> None:
    line = tcp(full_port, connect_timeout_s=0.3)
    began_s = time.monotonic()
    with pytest.raises(BusMissing, match="nobody answered in time"):
        line.open()
    assert 0.25 < time.monotonic() - began_s < 1.5


def test_wake_ends_a_connecting_with_all_its_addresses(full_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses_are(monkeypatch, *[(socket.AF_INET, ("127.0.0.1", full_port))] * 3)
    line = tcp(full_port, connect_timeout_s=30.0)
    line.wake()
    began_s = time.monotonic()
    with pytest.raises(BusMissing, match="it was given up"):
        line.open()
    assert time.monotonic() - began_s < 5.0


def no_socket(number: int, *families: socket.AddressFamily) -> Callable[..., socket.socket]:
    """A kernel that makes no sockets of these families."""
    make = socket.socket

    def refuse(family: socket.AddressFamily, *how: Any, **more: Any) -> socket.socket:
        if family in families:
            raise OSError(number, os.strerror(number))
        return make(family, *how, **more)

    return refuse


def test_an_address_of_a_family_that_is_switched_off_gives_way_to_the_next(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = serving(lambda request: [answer_to(request, "rtu")])
    line = tcp(peer.port)
    addresses_are(
        monkeypatch,
        (socket.AF_INET6, ("::1", peer.port, 0, 0)),
        (socket.AF_INET, ("127.0.0.1", peer.port)),
    )
    with monkeypatch.context() as kernel:
        kernel.setattr(socket, "socket", no_socket(EAFNOSUPPORT, socket.AF_INET6))
        line.open()
    assert measured(line, single()) == {"co2": 608}
    line.close()


@pytest.mark.parametrize("number", [EAFNOSUPPORT, EMFILE])
def test_a_kernel_that_makes_no_socket_is_a_line_that_is_missing(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    line = tcp(free_port())
    monkeypatch.setattr(socket, "socket", no_socket(number, socket.AF_INET))
    with pytest.raises(BusMissing, match=re.escape(os.strerror(number))):
        line.open()


def test_something_that_is_no_modbus_tcp_is_told(serving: Serving) -> None:
    line = ModbusTcpLine(tcp(serving(lambda _request: [b"HTTP/1.1 400 Bad Request\r\n"]).port))
    line.open()
    with pytest.raises(BusMissing, match=r"does not speak Modbus TCP .* is it `type: tcp`"):
        measured(line, single())


# Names


def test_a_name_is_looked_up(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = serving(lambda request: [answer_to(request, "mbap")])
    look_up = socket.getaddrinfo

    def asked(host: str, port: int, **how: Any) -> Any:
        if host == "moxa.lan" and how["flags"] == 0:
            host = "127.0.0.1"
        return look_up(host, port, **how)

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    line = ModbusTcpLine(tcp(peer.port, host="moxa.lan"))
    line.open()
    assert measured(line, single()) == {"co2": 608}
    line.close()


def test_a_name_server_that_hangs_costs_the_deadline_and_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging, asked = threading.Event(), []

    def hang(host: str, port: int, **how: Any) -> Any:
        if how["flags"]:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        asked.append(host)
        hanging.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    line = tcp(1, host="moxa.lan", connect_timeout_s=0.2)
    for _ in range(3):
        began_s = time.monotonic()
        with pytest.raises(BusMissing, match=r"moxa\.lan has no address: no name server answered"):
            line.open()
        assert time.monotonic() - began_s < 1.0
    assert asked == ["moxa.lan"]
    hanging.set()


def test_an_error_that_came_too_late_is_forgotten_and_the_name_asked_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()
    asked: list[threading.Thread] = []

    def late(_host: str, port: int, **how: Any) -> Any:
        if how["flags"]:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        asked.append(threading.current_thread())
        if len(asked) == 1:
            hanging.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", late)
    lookup = NameLookup("moxa.lan", 1)
    with pytest.raises(TimeoutError):
        lookup.addresses(0.05)
    hanging.set()
    asked[0].join(10)
    assert lookup.addresses(5.0) == [(socket.AF_INET, ("127.0.0.1", 1))]
    assert len(asked) == 2


def test_a_look_up_that_cannot_begin_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses_are(monkeypatch, (socket.AF_INET, ("127.0.0.1", 1)))
    found = socket.getaddrinfo

    def asked(*name: Any, **how: Any) -> Any:
        if how["flags"]:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        return found(*name, **how)

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    lookup = NameLookup("moxa.lan", 1)
    with monkeypatch.context() as kernel:
        kernel.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(OSError, match="can't start new thread"):
            lookup.addresses(1.0)
    assert lookup.addresses(5.0) == [(socket.AF_INET, ("127.0.0.1", 1))]


def test_a_name_that_there_is_not_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_host: str, _port: int, **_how: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(BusMissing, match="moxa has no address: Name or service not known"):
        tcp(1, host="moxa").open()
    monkeypatch.undo()
    with pytest.raises(OSError, match="no name that a host can have"):
        NameLookup("a" * 64 + ".lan", 1).addresses(5.0)
