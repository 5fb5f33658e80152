"""Numbers for texts: those of scikit-learn, and for a batch what its rows get one at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer

from penstock.errors import PlanError
from penstock.steps.base import Known
from penstock.steps.encoding.hashing import HashText
from penstock.steps.encoding.tfidf import Tfidf
from penstock.steps.encoding.words import WORD

from .frames import KINDS

WORDS = np.array(["red", "blue", "green", "car", "bus", "tram", "fast", "slow", "a", "I", "Öl", "naïve", "30"])


def _notes(n, seed):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(0, 9), p=_weights())) for _ in range(n)]


def _weights():
    weights = 1.0 / np.arange(1, len(WORDS) + 1)
    return weights / weights.sum()


def _frame(notes):
    return pd.DataFrame({"note": pd.array(notes, dtype="str")})


@pytest.mark.parametrize(("unit", "analyzer"), [("words", "word"), ("characters", "char_wb")])
@pytest.mark.parametrize("ngrams", [(1, 1), (2, 3)])
def test_hashing_gives_what_scikit_learn_gives(unit, analyzer, ngrams):
    """The same terms, hashes, signs and lengths; a text without a term is all zeros, and so is a missing one."""
    notes = _notes(50, 1)
    theirs = HashingVectorizer(n_features=7, analyzer=analyzer, token_pattern=WORD, ngram_range=ngrams)
    if unit == "characters":
        theirs.set_params(token_pattern=None)
    found = HashText(unit=unit, ngrams=ngrams, into=7).apply(_frame([*notes, None]))
    np.testing.assert_allclose(found.to_numpy()[:-1], theirs.transform(notes).toarray(), rtol=1e-12)
    assert (found.to_numpy()[-1] == 0).all()


def test_terms_weigh_what_scikit_learn_has_them_weigh():
    """Distinct texts are looked at once and count for all their rows, which must not show."""
    notes, asked = _notes(40, 2) * 3, _notes(30, 3)
    theirs = TfidfVectorizer(token_pattern=WORD, min_df=5).fit(notes)
    learned = Tfidf(components=None, terms=20, at_least=5).learn(_frame([*notes, None, None]))
    n_terms = len(theirs.vocabulary_)
    assert list(learned.vocabularies["note"].terms) == theirs.get_feature_names_out().tolist()
    found = learned.apply(_frame(asked)).to_numpy()
    np.testing.assert_allclose(found[:, :n_terms], theirs.transform(asked).toarray(), rtol=1e-12)
    assert found.shape[1] == 20
    assert (found[:, n_terms:] == 0).all()


def test_topics_keep_what_rows_differ_in():
    """With as many topics as terms nothing is lost: lengths and angles between rows stay."""
    notes = _notes(200, 4)
    terms = Tfidf(components=None, terms=20, at_least=1).learn(_frame(notes)).apply(_frame(notes)).to_numpy()
    topics = Tfidf(components=20, at_least=1).learn(_frame(notes)).apply(_frame(notes)).to_numpy()
    np.testing.assert_allclose(topics @ topics.T, terms @ terms.T, atol=1e-9)
    few = Tfidf(components=3, at_least=1).learn(_frame(notes)).apply(_frame(notes)).to_numpy()
    np.testing.assert_allclose(np.abs(few), np.abs(topics[:, :3]), atol=1e-6)


def test_texts_that_occur_often_count_often():
    """The directions are those of the rows, not of the distinct texts."""
    notes = [*_notes(30, 5), *["red bus"] * 50]
    learned = Tfidf(components=2, at_least=1).learn(_frame(notes)).vocabularies["note"]
    rows = Tfidf(components=None, terms=20, at_least=1).learn(_frame(notes)).apply(_frame(notes)).to_numpy()
    _, _, expected = np.linalg.svd(rows[:, : len(learned.terms)], full_matrices=False)
    np.testing.assert_allclose(np.abs(learned.directions.T), np.abs(expected[:2]), atol=1e-6)


@pytest.mark.parametrize("step", [Tfidf(components=5), Tfidf(unit="characters", ngrams=(2, 4)), HashText(into=5)])
def test_a_large_batch_gives_the_bits_of_its_rows_alone(step):
    """A dense matrix product would not: how it adds up depends on how many rows there are."""
    frame = _frame([*_notes(1_500, 6), None])
    apply = step.learn(frame, Known(np.zeros(len(frame)))).apply if isinstance(step, Tfidf) else step.apply
    whole = apply(frame)
    for i in (0, 1, 7, 812, 1_500):
        alone = apply(frame.iloc[[i]].reset_index(drop=True))
        pd.testing.assert_frame_equal(alone, whole.iloc[[i]].reset_index(drop=True), check_exact=True)


def test_the_vocabulary_is_bounded_and_holds_what_most_rows_have():
    """A column of free text must not grow a model without end."""
    frame = _frame(["red car", "red car", "red bus", "blue tram", "blue tram"])
    learned = Tfidf(components=None, terms=2, at_least=2).learn(frame)
    # Of car, blue and tram, which as many rows have, the first in code point order.
    assert list(learned.vocabularies["note"].terms) == ["blue", "red"]
    assert learned.describe() == {"terms": {"note": 2}, "columns_each": 2}


def test_bad_settings_are_told_from_the_spec_alone():
    """Nobody should wait for training to hear of them."""
    for wrong in ({"ngrams": (0, 1)}, {"ngrams": (2, 1)}, {"ngrams": (1, 9)}, {"components": None, "terms": 501}):
        with pytest.raises(ValidationError):
            Tfidf(**wrong)
    with pytest.raises(PlanError, match="'age'"):
        HashText(columns=("age",)).columns_after(KINDS)
    with pytest.raises(PlanError, match="second column 'note_hash_1'"):
        HashText(columns=("note",)).columns_after({"note": "text", "note_hash_1": "float"})
