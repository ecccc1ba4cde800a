"""sensor-gateway: sensors on a Raspberry Pi, as change events on MQTT, with nothing lost."""

__version__ = "0.1.0"
