"""What is connected to this machine: which addresses answer, and which chips they are or may be."""
