"""The health message: its keys and their types are the model's, and docs/health.md says what each of them means."""

from __future__ import annotations

from sensor_gateway.model.vitals.gateway_health import HEALTH_VERSION, Health
from sensor_gateway.publishing.shapes.json_schema import Schema, object_schema


def health_schema() -> Schema:
    """The health topic."""
    schema = object_schema(Health)
    properties = schema["properties"]
    if isinstance(properties, dict):
        properties["schema_version"] = {"const": HEALTH_VERSION}
    return schema
