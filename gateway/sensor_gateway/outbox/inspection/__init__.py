"""An outbox seen from outside: nothing is written, and no lock is taken."""
