"""What is written about the command line, made from itself: the manual page, and what shells complete."""
