"""The parts of a gateway, each made of a setup."""
