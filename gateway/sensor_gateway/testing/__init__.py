"""Fakes and the conformance suite for the authors of drivers. Public."""
