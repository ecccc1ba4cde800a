from __future__ import annotations

from collections.abc import Callable

from sensor_gateway.model.driver_spec import BusKind, DriverSpec, Vector
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.vectors import VectorChip, VectorSlave, VectorTalker

Mount = Callable[..., Mounting]
MakeSpec = Callable[..., DriverSpec]


def vector(*frames: bytes, variant: str = "made_up") -> Vector:
    return Vector(variant=variant, frames=frames, values={}, source="made up")


def test_frames_are_played_in_turn_and_again(mount: Mount, make_spec: MakeSpec) -> None:
    spec = make_spec(vectors=(vector(b"\x01\x02"), vector(b"\x03\x04"), vector(b"\x09\x09", variant="another")))
    chip = VectorChip(mount("made_up", spec=spec))
    chip.write(b"\x00", 0.0)
    assert [chip.read(2, 0.0) for _ in range(3)] == [b"\x01\x02", b"\x03\x04", b"\x01\x02"]


def test_a_read_of_another_length_uses_no_frame_up(mount: Mount, make_spec: MakeSpec) -> None:
    chip = VectorChip(mount("made_up", spec=make_spec(vectors=(vector(b"\x01\x02"), vector(b"\x03\x04")))))
    assert chip.read(1, 0.0) == b"\x01"
    assert chip.read(3, 0.0) == b"\x01\x02\xff"
    assert chip.read(2, 0.0) == b"\x01\x02"


def test_a_slave_answers_and_a_talker_talks(mount: Mount, make_spec: MakeSpec) -> None:
    spec = make_spec(bus=BusKind.SERIAL_REQUEST, vectors=(vector(b"one"), vector(b"two")))
    slave = VectorSlave([mount("made_up", spec=spec)])
    answers = [slave.hear(b"?", 0.0), slave.hear(b"?", 0.0)]
    assert [answer and answer[1] for answer in answers] == [b"one", b"two"]
    talker = VectorTalker(mount("made_up", spec=spec, interval_s=2.0))
    assert (talker.next_s, talker.say(), talker.next_s) == (2.0, b"one", 4.0)


def test_a_driver_without_vectors_is_answered_with_ones(mount: Mount, make_spec: MakeSpec) -> None:
    assert VectorChip(mount("made_up", spec=make_spec())).read(2, 0.0) == b"\xff\xff"
