"""Runs in the guest from its start: takes commands from a serial line, one per line, and answers each with one line.

    asked      base64 of a shell command
    answered   its exit status, a space, base64 of what it wrote to both outputs

The line is the second serial port: a login prompt hangs the first one up.
"""

from __future__ import annotations

import base64
import os
import subprocess
import termios
import tty

PORT = "/dev/ttyS1"
HELLO = b"ready\n"


def main() -> None:
    descriptor = os.open(PORT, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(descriptor)
    settings = termios.tcgetattr(descriptor)
    settings[4] = settings[5] = termios.B115200
    termios.tcsetattr(descriptor, termios.TCSANOW, settings)
    say(descriptor, HELLO)
    heard = b""
    while True:
        heard += os.read(descriptor, 65536)
        *lines, heard = heard.split(b"\n")
        for line in lines:
            say(descriptor, answer(line))


def answer(line: bytes) -> bytes:
    command = base64.b64decode(line).decode()
    done = subprocess.run(  # noqa: S602 (commands are what it is for)
        command, shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return f"{done.returncode} ".encode() + base64.b64encode(done.stdout) + b"\n"


def say(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


if __name__ == "__main__":
    main()
