"""What InfluxDB 2 is to Telegraf: a door that takes points, is away, or refuses what is too old for its bucket."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from proving.telegraf.point import Point, parse

DAY_NS = 86_400 * 10**9


class Database:
    """``written`` are all points that were taken, in order. ``is_away``: it answers 503 and takes nothing.

    ``oldest_ns``: points before it are refused as InfluxDB refuses what its bucket no longer keeps, with 422; it
    takes the others of the same request. ``refused`` are these points, ``turned_away`` the requests answered 503.
    """

    def __init__(self) -> None:
        self.written: list[Point] = []
        self.is_away = False
        self.oldest_ns = 0
        self.refused = 0
        self.turned_away = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._door())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stored(self) -> list[Point]:
        """The points as a query finds them: of those with the same key there is one, with the newest of each field."""
        rows: dict[object, Point] = {}
        for point in self.written[:]:
            old = rows.get(point.key)
            fields = {**(old.fields if old else {}), **point.fields}
            rows[point.key] = Point(
                measurement=point.measurement, tags=point.tags, fields=fields, time_ns=point.time_ns
            )
        return list(rows.values())

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def write(self, body: bytes) -> tuple[int, bytes]:
        """The status and the body of the answer."""
        if self.is_away:
            self.turned_away += 1
            return 503, b""
        points = [parse(line) for line in body.decode().splitlines()]
        taken = [point for point in points if (point.time_ns or 0) >= self.oldest_ns]
        self.written += taken
        refused = len(points) - len(taken)
        self.refused += refused
        if not refused:
            return 204, b""
        why = f"failure writing points to database: partial write: points beyond retention policy dropped={refused}"
        return 422, json.dumps({"code": "unprocessable entity", "message": why}).encode()

    def _door(self) -> type[BaseHTTPRequestHandler]:
        write = self.write

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status, answer = write(gzip.decompress(self._body()))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def _body(self) -> bytes:
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, *_said: object) -> None:
                """Say nothing."""

        return Door
