"""Chips and buses in software, answering on the byte level."""
