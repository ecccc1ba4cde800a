"""From stored events to MQTT and back to acknowledged positions."""
