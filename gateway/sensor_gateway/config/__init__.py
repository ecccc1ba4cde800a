"""YAML in, frozen dataclasses out, with every fault located."""
