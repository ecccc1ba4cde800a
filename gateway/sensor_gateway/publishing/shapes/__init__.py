"""What messages look like: one dataclass for each, and what is made of them (JSON Schemas, the AsyncAPI document)."""
