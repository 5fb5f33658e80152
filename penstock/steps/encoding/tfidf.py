"""The step `tfidf`: numbers for the words that tell texts apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from penstock.blocks import Blocks, FloatMatrix, Texts, require
from penstock.steps.base import Known, Learned, LearnedStep
from penstock.steps.encoding.words import TextVectorStep, Unit, analyzer_for, spread
from penstock.steps.made import in_place_of

if TYPE_CHECKING:
    import scipy.sparse as sp

MOST_DENSE = 500


@dataclass(frozen=True)
class Vocabulary:
    """The terms of one column with their places, how much each weighs, and where it lies in few dimensions.

    `weights` has shape (n_terms,); `directions`, where there are any, (n_terms, n_components).
    """

    terms: dict[str, int]
    weights: np.ndarray
    directions: FloatMatrix | None

    def of(self, texts: Texts, unit: Unit, ngrams: tuple[int, int]) -> FloatMatrix:
        """Return the numbers of each level, of shape (n_levels, n_made).

        A sparse product goes through the terms of one row after the other, so a row's bits are its own.
        """
        vectors = weighted(_counts(texts.levels, self.terms, unit, ngrams), self.weights)
        found: FloatMatrix = vectors.toarray() if self.directions is None else vectors @ self.directions
        return found


@dataclass(frozen=True)
class TfidfLearned(Learned):
    """The vocabulary of each column."""

    unit: Unit
    ngrams: tuple[int, int]
    made: tuple[str, ...]
    n_made: int
    vocabularies: dict[str, Vocabulary]
    keep: bool

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with numbers in place of texts, or beside them."""
        require(self.vocabularies, blocks.texts)
        values = np.zeros((blocks.n_rows, len(self.made)), order="F")
        for k, (name, vocabulary) in enumerate(self.vocabularies.items()):
            by_level = vocabulary.of(blocks.texts[name], self.unit, self.ngrams)
            # A vocabulary may have fewer terms than there are columns: the others stay 0.
            spread(blocks.texts[name], by_level, values[:, k * self.n_made :])
        return in_place_of(blocks, () if self.keep else self.vocabularies, self.made, values)

    def describe(self) -> dict[str, Any]:
        """Return how many terms each column has."""
        return {"terms": {name: len(v.terms) for name, v in self.vocabularies.items()}, "columns_each": self.n_made}


class Tfidf(LearnedStep, TextVectorStep):
    """Replace each text by how often it has the terms of the training rows, the more so the fewer rows have them.

    A term counts that at least `at_least` training rows have; of more than `terms` those that most rows have. Terms are
    weighed by `log((1 + rows) / (1 + rows with the term)) + 1`, and a row's numbers for one text have the length 1.
    With `components`, `<column>_topic_1` and so on are what is left of them in so few dimensions (a truncated singular
    value decomposition); without, there is a column `<column>_term_1` for each term, in code point order. The columns
    are as many as asked for, 0 where training rows have fewer terms.

    References
    ----------
    Deerwester, S. et al. (1990). Indexing by latent semantic analysis. Journal of the American Society for Information
    Science 41 (6), 391-407.

    Examples
    --------
    >>> import pandas as pd
    >>> train = pd.DataFrame({"note": ["red car", "red bus", "blue bus", None]})
    >>> learned = Tfidf(components=None, terms=3, at_least=1).learn(train)
    >>> learned.apply(pd.DataFrame({"note": ["red red", "tram", "blue bus"]})).round(3).to_numpy().tolist()
    [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.796, 0.605, 0.0]]
    >>> Tfidf(components=None)
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Tfidf
      Value error, without `components` there is a column for each term: `terms` may be at most 500...
    """

    kind: Literal["tfidf"] = "tfidf"
    terms: int = Field(default=5_000, ge=1, le=50_000)
    at_least: int = Field(default=2, ge=1)
    components: int | None = Field(default=16, ge=1, le=200)

    @model_validator(mode="after")
    def _check_width(self) -> Self:
        if self.components is None and self.terms > MOST_DENSE:
            raise ValueError(
                f"without `components` there is a column for each term: `terms` may be at most {MOST_DENSE} then"
            )
        return self

    def made(self, column: str) -> tuple[str, ...]:
        """Return the names of the columns that stand for one of texts."""
        if self.components is None:
            return tuple(f"{column}_term_{i}" for i in range(1, self.terms + 1))
        return tuple(f"{column}_topic_{i}" for i in range(1, self.components + 1))

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> TfidfLearned:
        """Return the vocabularies; a missing text is no text without words, and does not count."""
        columns = self.columns_of(blocks)
        seed = known.seed if known is not None else 0
        return TfidfLearned(
            unit=self.unit,
            ngrams=self.ngrams,
            made=tuple(made for name in columns for made in self.made(name)),
            n_made=self.terms if self.components is None else self.components,
            vocabularies={name: self._vocabulary(texts, seed & 0xFFFF_FFFF) for name, texts in columns.items()},
            keep=self.keep,
        )

    def _vocabulary(self, texts: Texts, seed: int) -> Vocabulary:
        # Each distinct text is taken apart once, and counts as often as there are rows with it.
        n_rows = np.bincount(texts.codes[texts.codes >= 0], minlength=len(texts.levels))
        analyze = analyzer_for(self.unit, self.ngrams)
        having: Counter[str] = Counter()
        for level, n in zip(texts.levels, n_rows.tolist(), strict=True):
            for term in dict.fromkeys(analyze(level)):
                having[term] += n
        enough = [term for term, n in having.items() if n >= self.at_least]
        kept = sorted(sorted(enough, key=lambda term: (-having[term], term))[: self.terms])
        terms = {term: place for place, term in enumerate(kept)}
        weights = np.log((1 + n_rows.sum()) / (1 + np.array([having[term] for term in kept], dtype=np.float64))) + 1
        directions = None
        if self.components is not None:
            vectors = weighted(_counts(texts.levels, terms, self.unit, self.ngrams), weights)
            directions = _directions(vectors, n_rows, self.components, seed)
        return Vocabulary(terms, weights, directions)


def weighted(counts: sp.csr_array, weights: np.ndarray) -> sp.csr_array:
    """Return vectors of length 1 from counts of terms, of shape (n_levels, n_terms); 0 where there is no term."""
    import scipy.sparse as sp

    values = counts.data * weights[counts.indices]
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    lengths = np.sqrt(np.bincount(row, weights=values * values, minlength=counts.shape[0]))
    return sp.csr_array((values / lengths[row], counts.indices, counts.indptr), shape=counts.shape)


def _counts(levels: tuple[str, ...], terms: dict[str, int], unit: Unit, ngrams: tuple[int, int]) -> sp.csr_array:
    """Return how often each level has each term, of shape (n_levels, n_terms), terms in their order in every row."""
    import scipy.sparse as sp

    analyze = analyzer_for(unit, ngrams)
    places: list[int] = []
    values: list[int] = []
    ends = [0]
    for level in levels:
        found = Counter(terms[term] for term in analyze(level) if term in terms)
        for place in sorted(found):
            places.append(place)
            values.append(found[place])
        ends.append(len(places))
    data = np.array(values, dtype=np.float64)
    return sp.csr_array((data, np.array(places, dtype=np.int64), np.array(ends)), shape=(len(levels), len(terms)))


def _directions(vectors: sp.csr_array, n_rows: np.ndarray, most: int, seed: int) -> FloatMatrix:
    """Return the directions in which the rows differ most, of shape (n_terms, at most `most`)."""
    import scipy.sparse as sp

    n_terms = vectors.shape[1]
    if n_terms < 2 or not vectors.nnz:
        # One term is its own direction.
        return np.eye(n_terms, min(most, n_terms))
    from sklearn.decomposition import TruncatedSVD

    # A vector that stands for n rows weighs like n: their squares add up.
    often = sp.diags_array(np.sqrt(n_rows.astype(np.float64))) @ vectors
    svd = TruncatedSVD(n_components=min(most, n_terms), random_state=seed)
    # scikit-learn divides by the variance, which is 0 where all rows are alike, for a number that nobody asks for.
    with np.errstate(divide="ignore", invalid="ignore"):
        svd.fit(often.tocsr())
    return np.ascontiguousarray(svd.components_.T)
