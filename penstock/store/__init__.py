"""Content-addressed objects over fsspec: written once, verified on read, replaced atomically."""

from __future__ import annotations

from penstock.store.objects import Store
from penstock.store.writing import unwritable, write_atomically

__all__ = ["Store", "unwritable", "write_atomically"]
