"""Memory, hot journal and flash: how events move from one to the next, and out."""
