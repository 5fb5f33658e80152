"""The blocks that steps work on, by the name under which they know them."""

from penstock.blocks import Blocks, FloatMatrix, Texts, require

__all__ = ["Blocks", "FloatMatrix", "Texts", "require"]
