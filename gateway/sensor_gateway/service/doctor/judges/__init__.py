"""Judges: facts in, findings out. None of them opens, reads or asks anything."""
