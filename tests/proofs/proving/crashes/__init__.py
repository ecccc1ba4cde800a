"""What a crash can leave of the outbox's files, built state by state, and what must be true of each."""
