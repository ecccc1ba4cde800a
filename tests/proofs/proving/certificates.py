"""A certificate authority for tests, by the openssl program."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; ``file`` is its own."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = folder / f"{name}.key"
        self.file = folder / f"{name}.pem"
        openssl("req", "-x509", *_EC, "-keyout", self._key, "-out", self.file, "-days", "30", "-subj", f"/CN={name}")

    def sign(self, name: str, *, days: int = 30, alternatives: str = "IP:127.0.0.1,DNS:localhost") -> Pair:
        """A certificate for ``name``; with less than no days it has expired. What had this name is replaced."""
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.names"
        pair = Pair(certificate=self._folder / f"{name}.pem", key=self._folder / f"{name}.key")
        extensions.write_text(f"subjectAltName={alternatives}\n", "utf-8")
        openssl("req", "-new", *_EC, "-keyout", pair.key, "-out", request, "-subj", f"/CN={name}")
        signed = ("-CA", self.file, "-CAkey", self._key, "-CAcreateserial", "-extfile", extensions, "-days", days)
        openssl("x509", "-req", "-in", request, *signed, "-out", pair.certificate)
        return pair


def openssl(*arguments: object) -> str:
    """Run it; what it says. CalledProcessError where it fails."""
    command = ["openssl", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
