"""Chips in software that tell of the air: pressure, humidity, gas; and converters of voltages."""
