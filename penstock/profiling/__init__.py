"""The data alone: any table looked at column by column and together, told as one page, without a model."""

from __future__ import annotations

from penstock.profiling.profile import TableProfile, profile

__all__ = ["TableProfile", "profile"]
