"""Names that people choose, and what they may be."""
