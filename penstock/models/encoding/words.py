"""Texts of several words: what their words say of the target, how long they are, and which frequent words they have."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penstock.metrics.weighted import Floats, Ints
from penstock.models.encoding.target import cross_fitted, tells
from penstock.models.encoding.texts import Distinct

if TYPE_CHECKING:
    import scipy.sparse as sp

# Letters and digits part: in "C85" the letter says where, the number which. Scripts without blanks go by their signs.
_SIGNS = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_SIGNS}]|[^\W\d_{_SIGNS}]+|\d+|[\u2600-\u27bf\U0001f300-\U0001faff]")
# What comes behind is longer than what a cell of a table says.
MOST_CHARACTERS = 5_000
MOST_TERMS = 3_000
MOST_SHOWN = 20
# Fewer rows than this share, or all but that, and a word's own column would be nearly constant.
SHOWN_FROM = 0.02
# In deviations: of some hundred words the strongest one goes with anything so much by chance.
CLEAR = 3.5
PENALTY = 5.0
# More rows teach slopes of so few words little.
MOST_LEARNED = 20_000
# No word reads like this.
_ABSENT = "\0"


def words_of(text: str | None) -> list[str]:
    """Return the different words of a text, in lower case, in the order in which they occur.

    Examples
    --------
    >>> words_of("Mr. Smith, cabin C85"), words_of("東京タワー 🙂"), len(words_of(None))
    (['mr', 'smith', 'cabin', 'c', '85'], ['東', '京', 'タ', 'ワ', 'ー', '🙂'], 1)
    """
    if not isinstance(text, str):
        return [_ABSENT]
    text = text[:MOST_CHARACTERS]
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return list(dict.fromkeys(_WORD.findall(text.lower())))


@dataclass(frozen=True)
class Words:
    """Numbers for the words of a text.

    Attributes
    ----------
    terms : dict
        For each word that counts, its weight, what it adds to each output, and its place among the indicators or -1.
    prior : list of float
        What a text without such words gets.
    shown : list of str
        The words with an indicator of their own.
    """

    terms: dict[str, tuple[float, list[float], int]]
    prior: list[float]
    shown: list[str]

    @property
    def dense(self) -> tuple[str, ...]:
        """One number an output, then the length and the number of words."""
        n = len(self.prior)
        scores = (" words",) if n == 1 else tuple(f" words {i}" for i in range(n))
        return (*scores, " length", " number of words")

    @property
    def indicators(self) -> tuple[str, ...]:
        """One for each frequent word."""
        return tuple(f" has {word!r}" for word in self.shown)

    def of(self, text: str | None) -> list[float]:
        """Return the numbers for one text; length and number of words are NaN where it is missing."""
        words = words_of(text)
        shown = [0.0] * len(self.shown)
        found = []
        length = 0.0
        for word in words:
            term = self.terms.get(word)
            if term is not None:
                found.append(term)
                length += term[0] * term[0]
                if term[2] >= 0:
                    shown[term[2]] = 1.0
        scores = list(self.prior)
        if found:
            norm = math.sqrt(length)
            for j in range(len(scores)):
                total = 0.0
                for term in found:
                    total += term[1][j]
                scores[j] += total / norm
        size = [float(len(text)), float(len(words))] if isinstance(text, str) else [math.nan, math.nan]
        return [*scores, *size, *shown]


def mean_words(column: Distinct) -> float:
    """Return how many different words the texts of a column have on average, over its rows that have one."""
    counts = column.counts()[:-1]
    if not counts.sum():
        return 0.0
    # A few hundred texts tell it.
    step = max(1, len(column.texts) // 500)
    lengths = np.array([len(words_of(text)) for text in column.texts[::step]], dtype=np.float64)
    return float(np.average(lengths, weights=counts[::step]))


def learn_words(column: Distinct, outputs: Floats | None, seed: int) -> tuple[Words, Floats]:
    """Return what words say, and what training rows get of it for the outputs, shape (n_rows, n_outputs).

    Words weigh `log((1 + rows) / (1 + rows with the word)) + 1`, a text's weights have the length 1, and a ridge
    regression on them gives its score; training rows get theirs from a regression on other rows. Where that says
    nothing of the target, there is no score. Which words are shown is decided on all training rows.
    """
    n_rows = len(column.codes)
    texts: list[str | None] = [*column.texts, None]
    words = [words_of(text) for text in texts]
    having: Counter[str] = Counter()
    for found, n in zip(words, column.counts().tolist(), strict=True):
        for word in found:
            having[word] += n
    enough = [word for word, n in having.items() if n >= 2]
    kept = sorted(sorted(enough, key=lambda word: (-having[word], word))[:MOST_TERMS])
    weights = {word: math.log((1 + n_rows) / (1 + having[word])) + 1.0 for word in kept}
    if outputs is None:
        often = np.array([having[word] for word in kept], dtype=np.float64)
        shown = _shown(kept, having, often, n_rows, 0.0)
        slopes, prior, training = np.zeros((len(kept), 0)), np.zeros(0), np.zeros((n_rows, 0))
    else:
        vectors = _vectors(words, kept, weights)[column.codes]
        shown = _shown(kept, having, _strength(vectors, outputs), n_rows, CLEAR / math.sqrt(max(1, n_rows)))
        slopes, prior, training = _scores(vectors, outputs, seed)
    places = {word: place for place, word in enumerate(shown)}
    terms = {w: (weights[w], (weights[w] * slopes[i]).tolist(), places.get(w, -1)) for i, w in enumerate(kept)}
    return Words(terms, prior.tolist(), shown), training


def _scores(vectors: sp.csr_array, outputs: Floats, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return slopes, intercepts, and the scores of training rows; none of an output where they tell nothing."""

    def learn(outside: Ints, inside: Ints) -> Floats:
        slopes, start = _ridge(vectors, outputs, outside)
        return np.asarray(vectors[inside] @ slopes) + start

    training = cross_fitted(outputs, seed, learn)
    slopes, prior = _ridge(vectors, outputs, np.arange(len(outputs)))
    n = outputs.shape[1] if tells(training, outputs) else 0
    return slopes[:, :n], prior[:n], training[:, :n]


def _vectors(words: Sequence[Sequence[str]], kept: Sequence[str], weights: dict[str, float]) -> sp.csr_array:
    import scipy.sparse as sp

    at = {word: place for place, word in enumerate(kept)}
    indices: list[int] = []
    data: list[float] = []
    ends = [0]
    for found in words:
        known = [word for word in found if word in at]
        norm = math.sqrt(sum(weights[word] ** 2 for word in known))
        indices += [at[word] for word in known]
        data += [weights[word] / norm for word in known]
        ends.append(len(indices))
    return sp.csr_array(
        (np.array(data), np.array(indices, dtype=np.int64), np.array(ends)), shape=(len(words), len(at))
    )


def _strength(vectors: sp.csr_array, outputs: Floats) -> Floats:
    """Return how much having a word goes with an output at most, as Pearson's correlation, shape (n_terms,)."""
    import scipy.sparse as sp

    n_rows = len(outputs)
    has = sp.csr_array((np.ones(len(vectors.data)), vectors.indices, vectors.indptr), shape=vectors.shape)
    share = np.asarray(has.sum(axis=0)).ravel() / n_rows
    centred = outputs - outputs.mean(axis=0)
    norms = np.sqrt(share * (1 - share))[:, None] * np.sqrt((centred**2).mean(axis=0))
    together = np.asarray(has.T @ centred) / n_rows
    found = np.divide(np.abs(together), norms, out=np.zeros(together.shape), where=norms > 1e-12)
    return np.asarray(found.max(axis=1, initial=0.0))


def _shown(kept: Sequence[str], having: Counter[str], strength: Floats, n_rows: int, least: float) -> list[str]:
    """Return the strongest words that are neither seldom nor nearly everywhere, in code point order."""
    low, high = SHOWN_FROM * n_rows, (1 - SHOWN_FROM) * n_rows
    able = [
        (-force, word)
        for word, force in zip(kept, strength.tolist(), strict=True)
        if low <= having[word] <= high and force > least and word != _ABSENT
    ]
    return sorted(word for _, word in sorted(able)[:MOST_SHOWN])


def _ridge(vectors: sp.csr_array, outputs: Floats, rows: Ints) -> tuple[Floats, Floats]:
    """Return slopes of shape (n_terms, n_outputs) and the answer to a text without terms, shape (n_outputs,)."""
    rows = rows[:: 1 + len(rows) // MOST_LEARNED]
    n_terms = vectors.shape[1]
    if len(rows) < 2 or not n_terms:
        return np.zeros((n_terms, outputs.shape[1])), outputs[rows].sum(axis=0) / max(1, len(rows))
    import scipy.sparse as sp
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=PENALTY, solver="sparse_cg", tol=1e-4).fit(sp.csr_matrix(vectors[rows]), outputs[rows])
    return np.atleast_2d(model.coef_).T, np.atleast_1d(model.intercept_)
