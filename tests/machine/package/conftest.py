"""A machine that is on and has no gateway yet, and the package at two versions."""

from __future__ import annotations

import shutil

import pytest
from booting.machine import Machine
from booting.packaged import Packages, build


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    if shutil.which("dpkg-deb") is None:
        pytest.fail("it takes dpkg-deb: a package is built on Debian")
    directory = tmp_path_factory.mktemp("packages")
    return Packages(old=build(directory, "1.0.0"), new=build(directory, "1.0.1"))


@pytest.fixture
def machine(machine: Machine) -> Machine:
    machine.write("etc/hosts", "127.0.0.1 localhost\n")
    machine.boot()
    return machine
