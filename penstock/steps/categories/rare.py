"""The step `rare`: texts too seldom to learn anything from are taken together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from penstock.blocks import Blocks, require
from penstock.steps.base import TEXTS, Known, Learned, LearnedStep

OTHER = "(other)"


@dataclass(frozen=True)
class RareLearned(Learned):
    """For each column, the levels that stand for themselves, with how often training rows have them."""

    levels: dict[str, dict[str, int]]

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks in which every other text reads `(other)`; missing stays missing."""
        require(self.levels, blocks.texts)
        return blocks.with_texts(
            {
                name: blocks.texts[name].mapped(lambda text, kept=kept: _kept(text, kept))  # type: ignore[misc]
                for name, kept in self.levels.items()
            }
        )

    def describe(self) -> dict[str, Any]:
        """Return the levels and their counts, by column."""
        return {"levels": self.levels}


def _kept(text: str | None, kept: Mapping[str, int]) -> str | None:
    return text if text is None or text in kept else OTHER


class Rare(LearnedStep):
    """Take together, as `(other)`, texts with fewer than `at_least` training rows, those beyond the `at_most` most
    frequent, and those that training rows never had.

    With `at_least_share` a text must also stand in that share of the training rows. A column of very many levels keeps
    its `at_most` most frequent ones, which is what an encoder can hold.

    Examples
    --------
    >>> import pandas as pd
    >>> fuel = pd.DataFrame({"fuel": ["gas"] * 5 + ["coal"] * 5 + ["peat"]})
    >>> Rare().learn(fuel).apply(pd.DataFrame({"fuel": ["gas", "peat", "wood", None]}))["fuel"].tolist()
    ['gas', '(other)', '(other)', nan]
    """  # noqa: D205 - the sentence needs both lines

    suits: ClassVar[frozenset[str]] = TEXTS

    kind: Literal["rare"] = "rare"
    at_least: int = Field(default=5, ge=1)
    at_least_share: float = Field(default=0.0, ge=0.0, lt=1.0)
    at_most: int = Field(default=254, ge=1)

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> RareLearned:
        """Return the levels to keep; of equally frequent ones the first in code point order."""
        names = self.columns if self.columns is not None else tuple(blocks.texts)
        require(names, blocks.texts)
        return RareLearned({name: self._frequent(blocks.texts[name].counts(), blocks.n_rows) for name in names})

    def _frequent(self, counts: Mapping[str, int], n_rows: int) -> dict[str, int]:
        fewest = max(float(self.at_least), self.at_least_share * n_rows)
        enough = [text for text in counts if counts[text] >= fewest]
        first = sorted(enough, key=lambda text: (-counts[text], text))[: self.at_most]
        return {text: counts[text] for text in sorted(first)}
