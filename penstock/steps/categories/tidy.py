"""The step `tidy`: one spelling for texts that differ only in case and blanks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from penstock.steps.base import TEXTS, Known, Learned, LearnedStep
from penstock.steps.blocks import Blocks, require


def folded(text: str) -> str:
    """Return what spellings of one text share.

    Examples
    --------
    >>> folded("  New   York ") == folded("new york")
    True
    """
    return " ".join(text.split()).casefold()


@dataclass(frozen=True)
class TidyLearned(Learned):
    """For each column, the spelling that stands for all that fold to the same text."""

    spellings: dict[str, dict[str, str]]

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with learned spellings; a text that folds to none of them stays."""
        require(self.spellings, blocks.texts)
        return blocks.with_texts(
            {
                name: blocks.texts[name].mapped(lambda text, known=known: _respelled(text, known))  # type: ignore[misc]
                for name, known in self.spellings.items()
            }
        )

    def describe(self) -> dict[str, Any]:
        """Return the spellings, by column."""
        return {"spellings": self.spellings}


def _respelled(text: str | None, known: Mapping[str, str]) -> str | None:
    return None if text is None else known.get(folded(text), text)


class Tidy(LearnedStep):
    """Write texts that differ only in case and blanks as the spelling that training rows have most often.

    Examples
    --------
    >>> import pandas as pd
    >>> city = pd.DataFrame({"city": ["Oslo", "Oslo", "oslo", "OSLO ", "Bonn"]})
    >>> Tidy().learn(city).apply(pd.DataFrame({"city": ["oSLO", "bonn", "Rome", None]}))["city"].tolist()
    ['Oslo', 'Bonn', 'Rome', nan]
    """

    suits: ClassVar[frozenset[str]] = TEXTS

    kind: Literal["tidy"] = "tidy"

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> TidyLearned:
        """Return the most frequent spelling of each text; of equally frequent ones the first in code point order."""
        names = self.columns if self.columns is not None else tuple(blocks.texts)
        require(names, blocks.texts)
        return TidyLearned({name: _spellings(blocks.texts[name].counts()) for name in names})


def _spellings(counts: Mapping[str, int]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for text in sorted(counts, key=lambda text: (-counts[text], text)):
        if counts[text]:
            chosen.setdefault(folded(text), text)
    return dict(sorted(chosen.items()))
