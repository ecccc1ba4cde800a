"""Encryption towards the broker: files, contexts, and when a connection is renewed for new ones."""
