"""Buses that are silent: a program of the operator that may bring them back, run now and then."""
