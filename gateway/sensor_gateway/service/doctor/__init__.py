"""The doctor: what is well with this machine and this gateway, what is not, and what to do about it."""
