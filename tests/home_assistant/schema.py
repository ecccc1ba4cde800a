"""Asks Home Assistant whether the ``mqtt:`` section on standard input is one: its complaint, or nothing."""

import sys

import voluptuous as vol
import yaml
from homeassistant.components.mqtt import CONFIG_SCHEMA

try:
    CONFIG_SCHEMA(yaml.safe_load(sys.stdin.read()))
except vol.Invalid as error:
    sys.stdout.write(f"{error}\n")
