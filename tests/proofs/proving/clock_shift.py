"""Shifts the real-time clock of one process, and of nothing else: its monotonic and boot time go on as they were.

A library of a few lines is put before the C library's (LD_PRELOAD). It adds to CLOCK_REALTIME the seconds that stand in
a file, which it has mapped: a shift takes effect at once, without a word to the process.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

_SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile long long *shift;

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("CLOCK_SHIFT");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *place = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    shift = place == MAP_FAILED ? NULL : place;
}

int clock_gettime(clockid_t which, struct timespec *now)
{
    long code = syscall(SYS_clock_gettime, which, now);
    if (code == 0 && shift && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        now->tv_sec += *shift;
    return (int)code;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec fine;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &fine) != 0)
        return -1;
    now->tv_sec = fine.tv_sec;
    now->tv_usec = fine.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *there)
{
    struct timespec fine;
    clock_gettime(CLOCK_REALTIME, &fine);
    if (there)
        *there = fine.tv_sec;
    return fine.tv_sec;
}
"""


def why_not() -> str:
    """Why it cannot be done here; empty where it can."""
    return "" if shutil.which("gcc") else "there is no gcc"


class ShiftedClock:
    """The clock of whoever runs in ``environ``."""

    def __init__(self, directory: Path) -> None:
        """Build the library in ``directory``."""
        source, library = directory / "clock_shift.c", directory / "clock_shift.so"
        source.write_text(_SOURCE)
        command = ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library), str(source)]
        subprocess.run(command, check=True)
        self._file = directory / "clock-shift"
        self._file.write_bytes(bytes(8))
        self.seconds = 0
        self.environ: Mapping[str, str] = {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(self._file)}

    def shift(self, seconds: int) -> None:
        """From now on, so many seconds ahead of the machine's clock, or behind it."""
        with self._file.open("r+b") as out:
            out.write(struct.pack("=q", seconds))
        self.seconds = seconds
