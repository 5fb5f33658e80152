"""What spellings of one text share."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Folding:
    """Which differences between two texts do not count: of case, of blanks, of accents.

    Examples
    --------
    >>> Folding()("  New   York ") == Folding()("new york")
    True
    >>> Folding(accents=True)("Málaga") == Folding(accents=True)("Malaga")
    True
    """

    case: bool = True
    blanks: bool = True
    accents: bool = False

    def __call__(self, text: str) -> str:
        """Return what all spellings of a text have in common."""
        if self.blanks:
            text = " ".join(text.split())
        if self.accents:
            apart = unicodedata.normalize("NFKD", text)
            text = "".join(character for character in apart if not unicodedata.combining(character))
        return text.casefold() if self.case else text
