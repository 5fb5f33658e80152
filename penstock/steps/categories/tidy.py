"""The step `tidy`: one spelling for texts that differ only in case, blanks and, where told so, accents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from penstock.blocks import Blocks, require
from penstock.steps.base import TEXTS, Known, Learned, LearnedStep
from penstock.steps.categories.folding import Folding


@dataclass(frozen=True)
class TidyLearned(Learned):
    """For each column, the spelling that stands for all that fold to the same text."""

    spellings: dict[str, dict[str, str]]
    folding: Folding

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with learned spellings; a text that folds to none of them stays."""
        require(self.spellings, blocks.texts)
        return blocks.with_texts(
            {
                name: blocks.texts[name].mapped(lambda text, known=known: self._respelled(text, known))  # type: ignore[misc]
                for name, known in self.spellings.items()
            }
        )

    def describe(self) -> dict[str, Any]:
        """Return the spellings, by column."""
        return {"spellings": self.spellings}

    def _respelled(self, text: str | None, known: Mapping[str, str]) -> str | None:
        return None if text is None else known.get(self.folding(text), text)


class Tidy(LearnedStep):
    """Write texts that differ only in case and blanks as the spelling that training rows have most often.

    With `accents` those that differ in accents are taken for one as well; `case` and `blanks` can be told to count.

    Examples
    --------
    >>> import pandas as pd
    >>> city = pd.DataFrame({"city": ["Oslo", "Oslo", "oslo", "OSLO ", "Bonn"]})
    >>> Tidy().learn(city).apply(pd.DataFrame({"city": ["oSLO", "bonn", "Rome", None]}))["city"].tolist()
    ['Oslo', 'Bonn', 'Rome', nan]
    >>> Tidy(accents=True, case=False).learn(city).apply(pd.DataFrame({"city": ["Bönn", "bonn"]}))["city"].tolist()
    ['Bonn', 'bonn']
    """

    suits: ClassVar[frozenset[str]] = TEXTS

    kind: Literal["tidy"] = "tidy"
    case: bool = True
    blanks: bool = True
    accents: bool = False

    @model_validator(mode="after")
    def _folds(self) -> Self:
        if not (self.case or self.blanks or self.accents):
            raise ValueError("with `case`, `blanks` and `accents` all off there is nothing to tidy")
        return self

    @property
    def folding(self) -> Folding:
        """Which differences do not count."""
        return Folding(case=self.case, blanks=self.blanks, accents=self.accents)

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> TidyLearned:
        """Return the most frequent spelling of each text; of equally frequent ones the first in code point order."""
        names = self.columns if self.columns is not None else tuple(blocks.texts)
        require(names, blocks.texts)
        folding = self.folding
        return TidyLearned({name: _spellings(blocks.texts[name].counts(), folding) for name in names}, folding)


def _spellings(counts: Mapping[str, int], folding: Folding) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for text in sorted(counts, key=lambda text: (-counts[text], text)):
        if counts[text]:
            chosen.setdefault(folding(text), text)
    return dict(sorted(chosen.items()))
