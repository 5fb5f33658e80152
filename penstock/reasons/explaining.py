"""Contributions of raw columns to the answers of a bundle, and the reasons that they come to in words."""

from __future__ import annotations

import io
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from penstock.bundle.bundle import Bundle, Raw
from penstock.bundle.fitted import file_of
from penstock.bundle.manifest import PROBE
from penstock.bundle.predictions import Predictions
from penstock.bundle.probe import rows_of
from penstock.bundle.rows import as_columns
from penstock.errors import BundleError, RequestError
from penstock.metrics.weighted import Floats, positive_index
from penstock.reasons.sampled import Row, sampled
from penstock.reasons.together import Together, together

Method = Literal["exact", "sampled"]
# Each costs some hundred times its answer.
MOST_ROWS = 1_000
TOP = 3
# What is a smaller part of all contributions is no reason.
SMALL = 0.01
# Relative; more than 32 bits lose is a fault.
LOST = 1e-4
# The last rows of a probe are one with nothing in it and one of unseen levels.
ODD_ROWS = 2


@dataclass(frozen=True)
class Explanation:
    """Why one row was answered so.

    Attributes
    ----------
    score : float
        What is explained: the probability of `label`, or the value.
    label : str
        Which label's: of two the positive one, of more the likeliest; empty for a value.
    base : float
        The score on the average: for trees of the training rows, for all else of made-up rows of training values.
    contributions : mapping of str to float
        By raw column, the largest first; with the base they sum to the score.
    method : {"exact", "sampled"}
        Whether they were calculated or drawn.
    error : float
        Of drawn ones the largest standard error; 0 of calculated ones.
    reasons : tuple of str
        The largest of them in words.
    threshold : float, optional
        The probability from which on the label is answered, where the model's aim has one.
    """

    score: float
    label: str
    base: float
    contributions: Mapping[str, float]
    method: Method
    error: float
    reasons: tuple[str, ...]
    threshold: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object, without the members that it lacks."""
        told: dict[str, Any] = {"score": self.score}
        if self.label:
            told["label"] = self.label
        told |= {"base": self.base, "contributions": dict(self.contributions), "method": self.method}
        if self.method == "sampled":
            told["standard_error"] = self.error
        if self.threshold is not None:
            told["threshold"] = self.threshold
        return told | {"reasons": list(self.reasons)}


class Reasons:
    """What is needed to explain a bundle's answers, worked out once.

    Parameters
    ----------
    bundle : Bundle
        A bundle that was opened from where it is sealed; of a forecast, contributions are drawn.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        asked = {*(c.name for c in bundle.schema.features if c.serve == "request" and not c.table), *bundle.keys}
        series = set(bundle.series.keys) if bundle.series is not None else set()
        self._names = [c.name for c in bundle.schema.columns if c.name in asked and c.name not in series]
        self._background = _background(bundle)
        self._together, self._weights = (None, {}) if bundle.looking is not None else self._exactly()

    def explain(self, raw: Raw) -> list[Explanation | None]:
        """Return an explanation for each row, in order; None for a row without a prediction.

        Raises
        ------
        RequestError
            There are more rows than 1,000, or they are such as `Bundle.predict` refuses.
        """
        given = as_columns(raw)
        if given.n_rows > MOST_ROWS:
            raise RequestError(
                "These are more rows than can be explained at once",
                got=f"{given.n_rows:,} rows",
                expected=f"at most {MOST_ROWS:,}",
                todo="Ask for fewer rows at a time.",
            )
        answers = self._bundle.predict(raw)
        null = answers.null
        encoded = None if self._together is None or not given.n_rows else _encodings(self._bundle, raw)
        told: list[Explanation | None] = []
        for i in range(given.n_rows):
            if null[i]:
                told.append(None)
                continue
            place = self._place(answers, i)
            score = float(answers.estimates[i] if place is None else answers.estimates[i, place])
            if encoded is not None and self._together is not None:
                row = {kind: values[i] for kind, values in encoded.items()}
                base, each = self._shared(self._together, row, place)
                told.append(self._told(score, base, each, place, "exact", 0.0))
            else:
                cells = {name: _cell(values, i) for name, values in given.columns.items()}
                base, each, error = sampled(self._bundle, cells, self._background, self._names, place)
                told.append(self._told(score, base, each, place, "sampled", error))
        return told

    def _shared(self, model: Together, row: Mapping[str, Floats], place: int | None) -> tuple[float, dict[str, float]]:
        classes = self._bundle.estimator.classes_ if place is not None else ()
        share = model.share(row, None if place is None else int(np.searchsorted(classes, place)))
        sums = np.sum([values @ self._weights[kind] for kind, values in share.each.items()], axis=0)
        return share.base, dict(zip(self._names, np.asarray(sums, dtype=np.float64).tolist(), strict=True))

    def _told(
        self, score: float, base: float, each: Mapping[str, float], place: int | None, method: Method, error: float
    ) -> Explanation:
        lost = abs(score - base - sum(each.values()))
        if lost > LOST * max(1.0, abs(score), abs(base)):
            raise BundleError(
                "Contributions do not sum to the score", got=f"{lost:.3g} beside it", where=self._bundle.name
            )
        ranked = dict(sorted(each.items(), key=lambda item: -abs(item[1])))
        target = self._bundle.target
        label = "" if place is None else target.labels[place]
        decision = self._bundle.aim.decision
        return Explanation(
            score=score,
            label=label,
            # XGBoost's 32 bits lose the last ones: the base takes them, so that the sum holds.
            base=score - sum(ranked.values()),
            contributions=ranked,
            method=method,
            error=error,
            reasons=reasons_in_words(ranked, f"the probability of {label}" if label else target.name),
            threshold=decision.threshold if decision is not None and place is not None else None,
        )

    def _place(self, answers: Predictions, row: int) -> int | None:
        target = self._bundle.target
        if not target.is_classification:
            return None
        return positive_index(target) if target.task == "binary" else int(answers.estimates[row].argmax())

    def _exactly(self) -> tuple[Together | None, dict[str, Floats]]:
        """Return the model's exact contributions, if it has any, and which raw columns its encoded ones come from."""
        background = _encodings(self._bundle, self._background)
        estimator = self._bundle.estimator
        found = together(estimator.steps[2][1], tuple(background), background)
        if found is None:
            return None, {}
        weights = {kind: np.zeros((values.shape[1], len(self._names))) for kind, values in background.items()}
        for k, name in enumerate(self._names):
            # An encoded column comes from a raw one if it changes where that one's cells are those of other rows.
            turned = _turned(self._background, name)
            changed = _encodings(self._bundle, turned)
            for kind, values in background.items():
                same = np.tile(values, (len(turned) // len(values), 1))
                both_missing = np.isnan(changed[kind]) & np.isnan(same)
                weights[kind][:, k] = ((changed[kind] != same) & ~both_missing).any(axis=0)
        for kind, origin in _origins(estimator).items():
            for j in np.flatnonzero(weights[kind].sum(axis=1) == 0):
                # What no row of the background could move, such as a rare level: by its name.
                weights[kind][j] = [name == origin[j] for name in self._names] if origin[j] in self._names else 1.0
        return found, {kind: w / w.sum(axis=1, keepdims=True) for kind, w in weights.items()}


_known: weakref.WeakKeyDictionary[Bundle, Reasons] = weakref.WeakKeyDictionary()


def explain(bundle: Bundle, raw: Raw) -> list[Explanation | None]:
    """Return why a bundle answers rows as it does, one explanation a row; None for a row without a prediction.

    For trees, linear models and weighted sums of these the contributions are Shapley values, calculated; for all else
    they are Shapley values drawn over orders of columns, and labelled so. The first call for a bundle takes longer.

    Parameters
    ----------
    bundle : Bundle
        A bundle that was opened from where it is sealed.
    raw : pyarrow.Table, pandas.DataFrame, mapping of str to sequence, or sequence of mappings
        Rows as `Bundle.predict` takes them, at most 1,000.

    Raises
    ------
    RequestError
        There are more rows, or they are such as `Bundle.predict` refuses.
    """
    found = _known.get(bundle)
    if found is None:
        found = _known[bundle] = Reasons(bundle)
    return found.explain(raw)


def reasons_in_words(ranked: Mapping[str, float], what: str) -> tuple[str, ...]:
    """Return the largest contributions as sentences.

    Examples
    --------
    >>> reasons_in_words({"tenure": -0.21, "contract": 0.05, "age": 0.0001}, "the probability of Yes")
    ('tenure lowers the probability of Yes by 0.21', 'contract raises the probability of Yes by 0.05')
    """
    whole = sum(abs(value) for value in ranked.values())
    told = [(name, value) for name, value in ranked.items() if value and abs(value) >= SMALL * whole][:TOP]
    return tuple(f"{name} {'raises' if value > 0 else 'lowers'} {what} by {abs(value):.3g}" for name, value in told)


def _background(bundle: Bundle) -> list[Row]:
    """Return the made-up rows of training values that the bundle carries."""
    probe = file_of(bundle.manifest, bundle.folder, PROBE)
    with pa.ipc.open_file(io.BytesIO(probe)) as reader:
        rows: list[Row] = rows_of(reader.read_all()).to_pylist()
    return rows[:-ODD_ROWS] or rows


def _turned(rows: Sequence[Row], name: str) -> list[Row]:
    """Return the rows with the cells of the next row, of the one after it, and with none, in a column."""
    turns: list[list[object]] = [[rows[(i + by) % len(rows)].get(name) for i in range(len(rows))] for by in (1, 2)]
    turns.append([None] * len(rows))
    return [{**row, name: cell} for cells in turns for row, cell in zip(rows, cells, strict=True)]


def _encodings(bundle: Bundle, raw: Any) -> dict[str, Floats]:
    encoded = bundle.estimator.encode(bundle.at_cut(raw))
    if isinstance(encoded, Mapping):
        return dict(encoded)
    return {bundle.estimator.steps[1][1].kind: encoded}


def _origins(estimator: Any) -> dict[str, list[str]]:
    encoder = estimator.steps[1][1]
    each = getattr(encoder, "each_", None)
    return {kind: e.origin for kind, e in each.items()} if each is not None else {encoder.kind: encoder.origin}


def _cell(values: Any, row: int) -> object:
    cell = values[row]
    return cell.as_py() if isinstance(cell, pa.Scalar) else cell
