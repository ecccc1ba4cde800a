"""Chips that measure humidity, and temperature or carbon dioxide with it."""
