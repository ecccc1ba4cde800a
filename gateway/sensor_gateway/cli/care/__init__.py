"""What helps where something is not well: the doctor, and the bug report."""
