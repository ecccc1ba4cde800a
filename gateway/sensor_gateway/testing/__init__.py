"""Fakes and the conformance suite for the authors of drivers. Public: see docs/writing-a-driver.md."""

from sensor_gateway.testing.conformance import check_driver
from sensor_gateway.testing.conforming.noise import repeatable_noise
from sensor_gateway.testing.playback import (
    Dialogue,
    FileContent,
    FilePlayback,
    LinePlayback,
    Playback,
    Played,
    Transfer,
    play,
    play_files,
    play_line,
)
from sensor_gateway.testing.replaying import Replayed, replay_recording
from sensor_gateway.testing.tapping import Recording

__all__ = [
    "Dialogue",
    "FileContent",
    "FilePlayback",
    "LinePlayback",
    "Playback",
    "Played",
    "Recording",
    "Replayed",
    "Transfer",
    "check_driver",
    "play",
    "play_files",
    "play_line",
    "repeatable_noise",
    "replay_recording",
]
