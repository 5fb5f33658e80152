"""penstock: the library behind the gated pipe; it imports neither prefect nor fastapi."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.bundle.bundle import Bundle

__all__ = ["Bundle", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # Loaded on first use: `import penstock` must not pay for pandas and scikit-learn.
    if name == "Bundle":
        from penstock.bundle.bundle import Bundle

        return Bundle
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
