"""Home Assistant's MQTT discovery: what it is told of this gateway, so that every sensor appears there by itself."""
