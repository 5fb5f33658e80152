"""Rows by what they say: a 64-bit hash for each cell, the same in every process, and a row's hash as their sum.

A sum can be taken apart again: a row's hash without one column costs one subtraction, and rows that differ in that
column alone have it in common.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import numpy as np
import pandas as pd

from penstock.blocks import Blocks, Texts

Hashes = np.ndarray[tuple[int, ...], np.dtype[np.uint64]]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MISSING = np.uint64(0xA5A5A5A5A5A5A5A5)
# A thousandth of a number: about three digits.
_STEPS = 1024.0


def cell_hashes(frame: pd.DataFrame) -> list[Hashes]:
    """Return a hash for each cell, one array of shape (n_rows,) a column.

    Examples
    --------
    >>> first, second = cell_hashes(pd.DataFrame({"a": [0.0, -0.0], "b": [1.0, 1.0]}))
    >>> bool(first[0] == first[1]), bool(first[0] == second[0])
    (True, False)
    """
    return _hashes(frame, _exact, lambda text: text)


def folded_hashes(frame: pd.DataFrame) -> list[Hashes]:
    """Return the same with case, blanks, accents and punctuation left out, and numbers with a fraction to three digits.

    Examples
    --------
    >>> hashed = folded_hashes(pd.DataFrame({"city": pd.array(["São Paulo", "SAO-PAULO"], dtype="str")}))
    >>> bool(hashed[0][0] == hashed[0][1])
    True
    """
    return _hashes(frame, _rounded, folded)


def folded(text: str) -> str:
    """Return a text's letters and digits alone, in one case and without accents; itself where it has none."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if c.isalnum())
    return plain or text.strip()


def row_hashes(cells: list[Hashes], n_rows: int) -> Hashes:
    """Return the rows' hashes: the sum over their cells."""
    total = np.zeros(n_rows, dtype=np.uint64)
    for cell in cells:
        total += cell
    return total


def draw_of(frame: pd.DataFrame, seed: int) -> Hashes:
    """Return a number for each row that looks drawn at random, and stays the row's own however the table grows.

    It hangs on what the row says, on how many rows before it say the same, and on the seed.
    """
    content = row_hashes(cell_hashes(frame), len(frame))
    before = pd.Series(content).groupby(content, sort=False).cumcount().to_numpy().astype(np.uint64)
    return _mixed(content + before * _GOLDEN, seed)


def _hashes(
    frame: pd.DataFrame, number: Callable[[np.ndarray], np.ndarray], text: Callable[[str], str]
) -> list[Hashes]:
    places = {str(i): i for i in range(frame.shape[1])}
    blocks = Blocks.of(frame.set_axis(list(places), axis=1))
    hashed: dict[str, Hashes] = {}
    for name in blocks.number_names:
        hashed[name] = _mixed(number(blocks.number(name)), places[name])
    for name, moments in blocks.moments.items():
        hashed[name] = _mixed(moments.view(np.uint64), places[name])
    for name, texts in blocks.texts.items():
        hashed[name] = _mixed(_of_texts(texts, text), places[name])
    return [hashed[name] for name in places]


def _of_texts(texts: Texts, told: Callable[[str], str]) -> Hashes:
    levels = np.array([told(level) for level in texts.levels], dtype=object)
    hashed = pd.util.hash_array(levels, categorize=False) if len(levels) else np.empty(0, np.uint64)
    # The code -1 of missing takes the last place.
    return np.asarray(np.append(hashed, _MISSING)[texts.codes], dtype=np.uint64)


def _exact(values: np.ndarray) -> Hashes:
    # Both zeros are one number, and every NaN is the one that is missing.
    same = np.where(np.isnan(values), np.nan, values) + 0.0
    bits: Hashes = same.view(np.uint64)
    return bits


def _rounded(values: np.ndarray) -> Hashes:
    finite = np.where(np.isfinite(values), values, 0.0)
    if (finite == np.floor(finite)).all():
        # Years and counts that differ by one are different.
        return _exact(values)
    part, exponent = np.frexp(finite)
    # The largest numbers are rounded up to inf, all alike.
    with np.errstate(over="ignore"):
        near = np.ldexp(np.rint(part * _STEPS) / _STEPS, exponent)
    return _exact(np.where(np.isfinite(values), near, values))


def _mixed(values: np.ndarray, salt: int) -> Hashes:
    """Return SplitMix64 of numbers: close ones give hashes that have nothing in common."""
    with np.errstate(over="ignore"):
        z = values + _GOLDEN * np.uint64(salt + 1)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)
