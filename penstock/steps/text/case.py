"""The step `case`: texts in one case."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

from penstock.blocks import Blocks, require
from penstock.steps.base import TEXTS, CellStep, ColumnStep

Written = Literal["lower", "upper", "title", "casefold"]
_TURNED: dict[Written, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "title": str.title,
    "casefold": str.casefold,
}


class Case(CellStep, ColumnStep):
    """Write texts in lower case, upper case, title case, or as `casefold` for comparing them whatever their case.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"city": pd.array(["OSLO", "new york", None], dtype="str")})
    >>> Case(to="title").apply(frame)["city"].tolist()
    ['Oslo', 'New York', nan]
    """

    suits: ClassVar[frozenset[str]] = TEXTS

    kind: Literal["case"] = "case"
    to: Written = "lower"

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with texts in the case."""
        names = self.texts_of(blocks) if self.columns is None else self.columns
        require(names, blocks.texts)
        turn = _TURNED[self.to]
        return blocks.with_texts(
            {name: blocks.texts[name].mapped(lambda text: None if text is None else turn(text)) for name in names}
        )
