"""What the entry point does about streams and errors, whichever command it is."""

from __future__ import annotations

import signal

import pytest

from sensor_gateway.cli.arguments import ended_by_ctrl_c
from sensor_gateway.cli.main import _told
from sensor_gateway.cli.tail import _listen_on, _printer
from sensor_gateway.model.errors import OperatorError
from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.subscriber import BrokerUnreachable


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, ""),
        (OperatorError("plug it in"), 78, "sensor-gateway: plug it in\n"),
    ],
)
def test_each_end_has_its_exit_code(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _told(error) == code
    assert capsys.readouterr().err == said


def test_ctrl_c_ends_the_process_at_once_while_drivers_run_and_only_then() -> None:
    given = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs have it ignored
    try:
        with ended_by_ctrl_c():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, given)


class Listening:
    """A subscriber by a script: what comes of each try to connect; behind its end comes Ctrl-C."""

    def __init__(self, *tries: str) -> None:
        self._tries = list(tries)

    def listen(self, _seconds: float) -> bool:
        if not self._tries:
            raise KeyboardInterrupt
        return False

    def connect(self) -> None:
        why = self._tries.pop(0)
        if why:
            raise BrokerUnreachable(BrokerSettings(host="b", port=1883, client_id=""), why)


def test_tail_tries_every_second_after_an_outage_and_says_each_reason_once(capsys: pytest.CaptureFixture[str]) -> None:
    pauses: list[float] = []
    with pytest.raises(KeyboardInterrupt):
        _listen_on(Listening("refused", "refused", "banned", "", ""), pauses.append)  # type: ignore[arg-type]
    assert pauses == [1.0] * 5
    lost, back = (
        "--- the connection to the broker is lost; trying again every second ---",
        "--- connected to the broker again ---",
    )
    assert capsys.readouterr().err.splitlines() == [lost, "    b:1883: refused", "    b:1883: banned", back, lost, back]


@pytest.mark.parametrize("payload", [b"", b"\xff", b"{", b"[" * 100_000, b'"\x1b[2J', b"9" * 10_000])
def test_what_others_publish_below_our_topics_breaks_nothing(
    payload: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    _printer(as_json=False, with_gateway=True)("sensors/v1/x\x1b/events", payload)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("not JSON")
    assert "\x1b" not in err


@pytest.mark.parametrize("payload", [b"5", b"[]", b'[1, "\\u001b[2J", null]', b'{"type": "value", "value": [1e999]}'])
def test_json_that_is_no_event_is_shown(payload: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (True, False):
        _printer(as_json=as_json, with_gateway=False)("topic", payload)
    out, err = capsys.readouterr()
    assert err == ""
    assert "\x1b" not in out
