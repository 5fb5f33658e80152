"""Proof that an engine says what its model says, on rows given and on rows made where a mistake would show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from penstock.bundle.kernel.engines.engine import Engine, Floats
from penstock.bundle.kernel.engines.treetext import CODES, widened
from penstock.frozen import Frozen
from penstock.table import Target

# XGBoost's trees hold 32 bits; all else is of 64.
TOLERANCE, SINGLE_TOLERANCE = 1e-9, 1e-6
# Rows made beside thresholds, and how many of all are asked alone, too.
BESIDE, ALONE = 1_000, 24
# Of their cells, the shares that are moved beside a threshold, and that are missing or hold a code nobody has seen.
MOVED, MISSING = 0.5, 0.05
# Histogram boosting holds codes in a byte; the encoder makes none beyond.
MOST_CODE = 254
# LightGBM's predictor reads what is nearer to 0 as 0, whatever a tree was made by; no made row asks for more.
NEAR_ZERO = 1.01e-35
# Encodings whose rows may have missing values.
WITH_GAPS = ("ordinal", "target")


class Parity(Frozen):
    """What the comparison of an engine with its model found.

    `rows` were given and `beside` were made; `largest` is the largest difference, of values above 1 as a share of them;
    `flipped` rows have another likeliest label; `same_bits` says whether rows alone are answered as in the batch.
    """

    rows: int
    beside: int
    largest: float
    tolerance: float
    flipped: int
    same_bits: bool

    @property
    def holds(self) -> bool:
        """Whether the engine may stand for the model."""
        return self.largest <= self.tolerance and not self.flipped and self.same_bits

    @property
    def words(self) -> str:
        """What was found, in a sentence.

        Examples
        --------
        >>> Parity(rows=9, beside=1, largest=0.5, tolerance=1e-9, flipped=2, same_bits=True).words
        'of 10 rows the largest difference is 5.0e-01 (1e-09 at most), 2 labels flipped, and a row has its batch bits'
        """
        bits = "a row has its batch bits" if self.same_bits else "a row has other bits than in a batch"
        n = self.rows + self.beside
        return (
            f"of {n} rows the largest difference is {self.largest:.1e} ({self.tolerance:g} at most), "
            f"{self.flipped} labels flipped, and {bits}"
        )


def check_parity(
    engine: Engine,
    model: Any,
    encoded: Mapping[str, Floats],
    target: Target,
    places: Sequence[int] | None = None,
    *,
    beside: int = BESIDE,
    seed: int = 0,
) -> Parity:
    """Compare an engine with its model.

    Parameters
    ----------
    engine : Engine
        What `compiled` made, or `opened` read.
    model : object
        The fitted model.
    encoded : mapping of str to numpy.ndarray
        Rows, for each encoding of shape (n_rows, n_features).
    target : Target
        What is predicted.
    places : sequence of int, optional
        Where the model's classes stand among the labels.
    beside : int
        How many rows are made: of the given ones, with cells at a threshold of some tree, next to it in float64 and in
        float32, next to where float32 rounds to it, missing, or with a code that training had not.
    seed : int
        Which.
    """
    made = beside_thresholds(model, encoded, beside, seed)
    largest, flipped, same_bits = 0.0, 0, True
    for rows in (encoded, made):
        if not len(next(iter(rows.values()))):
            continue
        want, got = _model_answers(model, rows, target, places), engine.answer(rows)
        largest = max(largest, _difference(got, want))
        if target.is_classification:
            flipped += int((got.argmax(axis=1) != want.argmax(axis=1)).sum())
        same_bits = same_bits and _same_alone(engine, rows, got)
    return Parity(
        rows=len(next(iter(encoded.values()))),
        beside=beside,
        largest=largest,
        tolerance=SINGLE_TOLERANCE if any(_is_single(e) for e, _ in _estimators(model, "")) else TOLERANCE,
        flipped=flipped,
        same_bits=same_bits,
    )


def beside_thresholds(model: Any, encoded: Mapping[str, Floats], n_rows: int, seed: int = 0) -> dict[str, Floats]:
    """Return rows made of the given ones where a mistake of an engine would show.

    Parameters
    ----------
    model : object
        The fitted model, whose trees say where.
    encoded : mapping of str to numpy.ndarray
        Rows, for each encoding of shape (n_rows, n_features).
    n_rows : int
        How many are made.
    seed : int
        Which.
    """
    rng = np.random.default_rng(seed)
    found: dict[str, _Splits] = {}
    for estimator, encoding in _estimators(model, next(iter(encoded))):
        found.setdefault(encoding, _Splits()).add(estimator)
    drawn = rng.integers(0, len(next(iter(encoded.values()))), n_rows)
    made = {}
    for encoding, rows in encoded.items():
        own = np.ascontiguousarray(rows[drawn])
        splits = found.get(encoding, _Splits())
        for feature, thresholds in sorted(splits.thresholds.items()):
            moved = rng.random(n_rows) < MOVED
            own[moved, feature] = _nudged(rng, rng.choice(np.concatenate(thresholds), int(moved.sum())))
        for feature in sorted(splits.coded):
            moved = rng.random(n_rows) < MOVED
            most = int(np.nanmax(np.append(rows[:, feature], 0.0))) + 3
            own[moved, feature] = rng.integers(0, min(most, MOST_CODE) + 1, int(moved.sum()))
            own[rng.random(n_rows) < MISSING, feature] = MOST_CODE
        if encoding in WITH_GAPS:
            own[rng.random(own.shape) < MISSING] = np.nan
        made[encoding] = own
    return made


def _nudged(rng: np.random.Generator, t: Floats) -> Floats:
    """Return for each threshold itself or a number next to it, in one precision or the other."""
    single = t.astype(np.float32)
    edge = widened(t)
    kinds = [
        *(t, np.nextafter(t, -np.inf), np.nextafter(t, np.inf)),
        *(edge, np.nextafter(edge, np.inf)),
        single,
        *(np.nextafter(single, np.float32(end)) for end in (-np.inf, np.inf)),
    ]
    moved = np.choose(rng.integers(0, len(kinds), len(t)), [kind.astype(np.float64) for kind in kinds])
    return np.where(np.abs(moved) <= NEAR_ZERO, 0.0, moved)


@dataclass
class _Splits:
    """Where trees split the rows of one encoding: thresholds of each feature, and features of codes."""

    thresholds: dict[int, list[Floats]] = field(default_factory=dict)
    coded: set[int] = field(default_factory=set)

    def add(self, estimator: Any) -> None:
        """Take in the splits of an estimator, if it has trees."""
        for feature, threshold, coded in _splits(estimator):
            self.coded |= set(feature[coded].tolist())
            plain = ~coded & np.isfinite(threshold)
            for one in np.unique(feature[plain]).tolist():
                at = plain & (feature == one)
                self.thresholds.setdefault(one, []).append(threshold[at].astype(np.float64))


def _splits(estimator: Any) -> Iterator[tuple[npt.NDArray[np.intp], Floats, npt.NDArray[np.bool_]]]:
    """Return the features of inner nodes, their thresholds, and which compare codes."""
    flat = getattr(estimator, "flat_", None)
    if flat is not None:
        inner = flat.children[0::2] != np.arange(len(flat.feature))
        coded = np.zeros(len(flat.feature), dtype=bool) if flat.row_of is None else flat.row_of >= 0
        yield flat.feature[inner], flat.threshold[inner], coded[inner]
    elif hasattr(estimator, "booster_") and hasattr(estimator.booster_, "model_to_string"):
        told: dict[str, list[str]] = {"split_feature": [], "threshold": [], "decision_type": []}
        for line in estimator.booster_.model_to_string().splitlines():
            name, _, values = line.partition("=")
            if name in told:
                told[name] += values.split()
        coded = np.array([int(kind) & CODES for kind in told["decision_type"]], dtype=bool)
        features = np.array(told["split_feature"], dtype=np.intp)
        yield features, np.array([float(t) for t in told["threshold"]]), coded


def _estimators(model: Any, encoding: str) -> Iterator[tuple[Any, str]]:
    """Return every estimator of a model with its encoding."""
    members = getattr(model, "members", None)
    if members is None:
        yield model, encoding
        return
    for member in members:
        for estimator in member.estimators:
            yield estimator, member.encoding


def _is_single(estimator: Any) -> bool:
    return type(estimator).__name__.startswith("XGBoost")


def _model_answers(model: Any, rows: Mapping[str, Floats], target: Target, places: Sequence[int] | None) -> Floats:
    given = rows if getattr(model, "members", None) is not None else next(iter(rows.values()))
    if not target.is_classification:
        return np.asarray(model.predict(given), dtype=np.float64)
    shares = np.asarray(model.predict_proba(given), dtype=np.float64)
    if places is None:
        return shares
    whole = np.zeros((len(shares), len(target.labels)))
    whole[:, list(places)] = shares
    return whole


def _difference(got: Floats, want: Floats) -> float:
    """Return the largest difference, as a share of what is above 1; infinity where one of them alone is no number."""
    if got.shape != want.shape:
        return float("inf")
    both = np.isnan(got) & np.isnan(want)
    apart = np.where(both | (got == want), 0.0, np.abs(got - want)) / np.maximum(1.0, np.abs(want))
    return float(np.where(np.isnan(apart) & ~both, np.inf, np.where(both, 0.0, apart)).max())


def _same_alone(engine: Engine, rows: Mapping[str, Floats], got: Floats) -> bool:
    n = len(got)
    for i in np.unique(np.linspace(0, n - 1, min(n, ALONE)).astype(np.intp)).tolist():
        alone = engine.answer({name: np.ascontiguousarray(part[i : i + 1]) for name, part in rows.items()})
        if alone[0].tobytes() != got[i].tobytes():
            return False
    half = engine.answer({name: np.ascontiguousarray(part[n // 2 :]) for name, part in rows.items()})
    return half.tobytes() == got[n // 2 :].tobytes()
