"""The stream of events: what goes into the next message, how fast, and what an answer means for it. Pure."""
