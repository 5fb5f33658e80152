"""A home for keys of each test's own, and for what it publishes."""

from tests.unit.bundle.conftest import artifacts, keys

__all__ = ["artifacts", "keys"]
