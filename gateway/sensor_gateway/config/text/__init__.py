"""From files to nodes, each with its place, and faults at those places. Knows no section."""
