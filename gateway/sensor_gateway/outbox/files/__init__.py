"""The outbox's hands: what is written where, and in which form. Everything that touches a file is in here."""
