from __future__ import annotations

import pytest

from sensor_gateway import driver, testing
from sensor_gateway.driver import Exchange, Measuring, Nack, NoAnswer, Read, Wait, Write, WriteRead
from sensor_gateway.testing import Dialogue, LinePlayback, Playback, Recording, Transfer, play, play_line

SCRIPT = [Transfer(0x48, b"\x01\x60"), Transfer(0x48, b"\x00", b"\x19\x00")]


def until_newline(received: bytes) -> tuple[int, bytes | None]:
    line, newline, _ = received.partition(b"\n")
    if line.startswith(b"#") and newline:
        return len(line) + 1, None
    return (len(line) + 1, line) if newline else (0, None)


def asking(request: bytes = b"?\n") -> Measuring:
    yield Wait(0.1)
    answer = yield Exchange(request, until_newline, 0.5)
    return {"length": float(len(answer))}


def measuring() -> Measuring:
    yield Write(b"\x01\x60")
    yield Wait(0.3)
    answer = yield WriteRead(b"\x00", 2)
    return {"temperature": float(answer[0])}


def test_a_playback_gives_the_recorded_answers_in_order() -> None:
    with Playback(SCRIPT) as bus:
        bus.open()
        assert bus.transfer(0x48, b"\x01\x60", 0) == b""
        bus.close()
        assert bus.transfer(0x48, b"\x00", 2) == b"\x19\x00"


@pytest.mark.parametrize(
    ("address", "data"), [(0x48, b"\x01\x61"), (0x49, b"\x01\x60"), (0x48, b""), (0x48, b"\x01\x60\x00")]
)
def test_a_playback_fails_on_the_first_unexpected_byte(address: int, data: bytes) -> None:
    with pytest.raises(AssertionError, match=r"step 1 of 2: expected 01 60 written to 48, got"):
        Playback(SCRIPT).transfer(address, data, 0)


def test_a_playback_fails_when_another_number_of_bytes_is_read() -> None:
    bus = Playback([Transfer(0x48, b"\x00", b"\x19\x00")])
    with pytest.raises(AssertionError, match="3 bytes are read, the recording has 19 00"):
        bus.transfer(0x48, b"\x00", 3)


def test_a_playback_fails_on_transfers_after_the_last_one() -> None:
    with pytest.raises(AssertionError, match="unexpected after the last step"):
        Playback([]).transfer(0x48, b"\x00", 1)


def test_a_playback_fails_at_its_end_on_what_was_left_over() -> None:
    bus = Playback(SCRIPT)
    bus.transfer(0x48, b"\x01\x60", 0)
    with pytest.raises(AssertionError, match="1 left over, the next one: 00 written to 48"):
        bus.finish()
    with pytest.raises(AssertionError, match="2 left over"), Playback(SCRIPT):
        pass


def test_a_failure_that_somebody_swallowed_comes_again_at_the_end() -> None:
    bus = Playback(SCRIPT)
    with pytest.raises(AssertionError):
        bus.transfer(0x11, b"", 0)
    with pytest.raises(AssertionError, match="got nothing written to 11"):
        bus.finish()


def test_an_error_inside_the_block_is_not_hidden_by_what_is_left_over() -> None:
    with pytest.raises(KeyError), Playback(SCRIPT):
        raise KeyError


def test_a_playback_raises_recorded_errors() -> None:
    bus = Playback([Transfer(0x48, b"\x00", Nack("absent"))])
    with pytest.raises(Nack, match="absent"):
        bus.transfer(0x48, b"\x00", 2)


def test_play_runs_a_generator_and_notes_its_waits() -> None:
    with Playback(SCRIPT) as bus:
        played = play(measuring(), bus, address=0x48)
    assert played.result == {"temperature": 25}
    assert played.waits_s == (0.3,)


def test_play_throws_errors_of_the_bus_into_the_generator() -> None:
    def forgiving() -> Measuring:
        try:
            yield Read(1)
        except Nack:
            yield Write(b"\x06")
        return {}

    with Playback([Transfer(0x48, b"", Nack("asleep")), Transfer(0x48, b"\x06")]) as bus:
        assert play(forgiving(), bus, address=0x48).result == {}


def test_play_line_gives_the_frame_and_drops_what_is_none() -> None:
    with LinePlayback([Dialogue(b"?\n", b"# hello\nabc\nrest")]) as line:
        line.open()
        line.wake()
        assert play_line(asking(), line).result == {"length": 3}
        line.close()


def test_play_line_gives_no_answer_on_silence() -> None:
    with LinePlayback([Dialogue(b"?\n", b"abc")]) as line, pytest.raises(NoAnswer, match=r"3f 0a within 0\.5 s"):
        play_line(asking(), line)


def test_a_line_playback_fails_on_another_request_and_on_what_was_left_over() -> None:
    line = LinePlayback([Dialogue(b"?\n", b"abc\n")])
    with pytest.raises(AssertionError, match="expected 3f 0a, got 21 0a"):
        play_line(asking(b"!\n"), line)
    with pytest.raises(AssertionError, match="1 left over"), LinePlayback([Dialogue(b"?\n", b"")]):
        pass


def test_a_line_playback_can_drop_what_was_not_read() -> None:
    line = LinePlayback([Dialogue(b"?\n", b"abc\n")])
    line.write(b"?\n", 1)
    assert line.discard() == 4
    assert line.read(1) == b""


def test_a_recording_can_be_pasted_into_a_playback() -> None:
    script = [*SCRIPT, Transfer(0x48, b"\x0f", Nack("it's gone"))]
    lines: list[str] = []
    bus = Recording(Playback(script), lines.append)
    bus.open()
    bus.transfer(0x48, b"\x01\x60", 0)
    bus.transfer(0x48, b"\x00", 2)
    with pytest.raises(Nack):
        bus.transfer(0x48, b"\x0f", 2)
    bus.close()
    names = {
        name: getattr(page, name) for page in (driver, testing) for name in page.__all__
    }  # what authors can import
    pasted = eval(f"[{''.join(lines)}]", names)  # noqa: S307 - our own lines
    assert bus.name == "playback"
    assert pasted[:2] == script[:2]
    assert isinstance(pasted[2].answer, Nack)
    assert str(pasted[2].answer) == "it's gone"


def test_a_recording_prints_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    Recording(Playback(SCRIPT)).transfer(0x48, b"\x01\x60", 0)
    assert capsys.readouterr().out == 'Transfer(0x48, bytes.fromhex("01 60"), b""),\n'
