"""Bytes and sockets below the client: dialling, TLS, and the packets of retained states."""
