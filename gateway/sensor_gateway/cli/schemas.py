"""``schemas``: what the messages look like, for programs that read or check them."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from sensor_gateway.cli.arguments import Subparsers, add_command, say

_ABOUT = """\
Prints the AsyncAPI 3.0 document of all topics and messages; with DIRECTORY, writes it there together with a JSON
Schema (draft 2020-12) of each message.

  sensor-gateway schemas > asyncapi.json
  sensor-gateway schemas schemas/
"""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers, "schemas", summary="JSON Schemas of all messages, and an AsyncAPI document", about=_ABOUT
    )
    parser.add_argument("directory", nargs="?", type=Path, metavar="DIRECTORY", help="where to write; made if missing")
    parser.add_argument(
        "--prefix", metavar="TOPIC", help="the first levels of every topic (mqtt.topic_prefix; default sensors/v1)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print or write; the exit code."""
    from sensor_gateway.config.values.notation import check_topic
    from sensor_gateway.publishing.shapes.asyncapi import asyncapi_document
    from sensor_gateway.publishing.shapes.channels import DEFAULT_PREFIX, schema_files

    prefix = DEFAULT_PREFIX if arguments.prefix is None else arguments.prefix
    try:
        check_topic(prefix)
    except ValueError as error:
        arguments.refuse(f"--prefix: {error}")
    document = asyncapi_document(prefix)
    if arguments.directory is None:
        print(_text(document), end="")
        return os.EX_OK
    files = {"asyncapi.json": document, **schema_files()}
    arguments.directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (arguments.directory / name).write_text(_text(content), "utf-8")
    say(f"{len(files)} files written to {arguments.directory}")
    return os.EX_OK


def _text(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
