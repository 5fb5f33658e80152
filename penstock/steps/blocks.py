"""The blocks that steps work on, by the name under which they know them."""

from penstock.blocks import MANY_ROWS, Blocks, FloatMatrix, Texts, require

__all__ = ["MANY_ROWS", "Blocks", "FloatMatrix", "Texts", "require"]
