"""The comparison that stands before sealing sees a broken engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from penstock.bundle.kernel.engines.blend import BlendEngine
from penstock.bundle.kernel.engines.engine import Floats
from penstock.bundle.kernel.engines.parity import Parity, beside_thresholds, check_parity
from penstock.bundle.kernel.engines.sources import Leaves, Trees
from penstock.bundle.kernel.engines.treetext import flat_trees, lightgbm_trees
from tests.unit.bundle.engines.making import TARGETS, engine, family, fitted, rows


def _with_trees(kind: str, task: str, trees: list[str]) -> BlendEngine:
    """Return a family's engine with other trees."""
    whole = engine(kind, task)
    (source,) = whole.sources
    assert isinstance(source, Trees)
    return BlendEngine([Trees(source.encoding, trees, source.n_features, source._parts)], whole.facts)


def _parity(kind: str, task: str, broken: BlendEngine) -> Parity:
    encoding = family(kind).encoding
    return check_parity(broken, fitted(kind, task), {encoding: rows(encoding)}, TARGETS[task], beside=400)


@pytest.mark.parametrize("kind", ["random_forest", "extra_trees", "gradient_boosting", "xgboost"])
def test_rows_that_are_not_cast_as_the_library_casts_them_are_noticed(kind: str) -> None:
    """Fed float64, these are off by as much as a leaf, but only beside a threshold."""
    model = fitted(kind, "binary")
    trees, _ = flat_trees(model.flat_, narrow=False, missing_left=kind == "gradient_boosting")
    parity = _parity(kind, "binary", _with_trees(kind, "binary", trees))
    assert not parity.holds
    assert parity.largest > 1e-4


def test_rows_that_are_cast_where_the_library_does_not_are_noticed() -> None:
    """Histogram boosting compares float64."""
    trees, _ = flat_trees(fitted("hist_gradient_boosting", "binary").flat_, narrow=True)
    assert not _parity("hist_gradient_boosting", "binary", _with_trees("hist_gradient_boosting", "binary", trees)).holds


@pytest.mark.parametrize("shift", [np.inf, -np.inf])
def test_a_threshold_that_is_off_by_its_last_bit_is_noticed(shift: float) -> None:
    """On given rows alone it would not be: they hardly ever lie on a threshold."""
    model = fitted("lightgbm", "regression")
    trees, _ = lightgbm_trees(model.booster_.model_to_string())
    parity = _parity("lightgbm", "regression", _with_trees("lightgbm", "regression", [_moved(t, shift) for t in trees]))
    assert not parity.holds


def _moved(tree: str, shift: float) -> str:
    """Return a tree whose first threshold of numbers is the next float64."""
    lines = dict(line.split("=") for line in tree.splitlines())
    thresholds, kinds = lines["threshold"].split(), lines["decision_type"].split()
    at = next((i for i, kind in enumerate(kinds) if not int(kind) & 1), None)
    if at is not None:
        thresholds[at] = repr(float(np.nextafter(float(thresholds[at]), shift)))
    return "\n".join(f"{k}={v}" for k, v in {**lines, "threshold": " ".join(thresholds)}.items()) + "\n"


def test_missing_values_that_go_the_other_way_are_noticed() -> None:
    """The made rows have gaps in every column."""
    trees, _ = flat_trees(fitted("hist_gradient_boosting", "regression").flat_, narrow=False, missing_left=True)
    broken = _with_trees("hist_gradient_boosting", "regression", trees)
    assert not _parity("hist_gradient_boosting", "regression", broken).holds


def test_a_leaf_whose_value_is_off_is_noticed() -> None:
    """By more than the tolerance."""
    whole = engine("lightgbm", "regression")
    (source,) = whole.sources
    assert isinstance(source, Trees)
    (part,) = source._parts
    off = Leaves(part.first, part.values + 1e-7, part.turns)
    broken = BlendEngine([Trees(source.encoding, source._trees, source.n_features, [off])], whole.facts)
    parity = _parity("lightgbm", "regression", broken)
    assert 1e-9 < parity.largest < 1e-4
    assert not parity.holds


class _Turned:
    """An engine whose answers are changed on their way."""

    def __init__(self, whole: BlendEngine, change: Callable[[Floats], Floats]) -> None:
        self.encodings, self._whole, self._change = whole.encodings, whole, change

    def answer(self, encoded: Mapping[str, Floats]) -> Floats:
        return self._change(self._whole.answer(encoded))

    def files(self) -> dict[str, bytes]:
        return self._whole.files()


def test_an_engine_whose_row_is_not_its_batch_is_noticed() -> None:
    """By a last bit: doors would disagree."""
    turned = _Turned(engine("ridge", "regression"), lambda told: told if len(told) > 1 else np.nextafter(told, np.inf))
    parity = check_parity(turned, fitted("ridge", "regression"), {"onehot": rows("onehot")}, TARGETS["regression"])
    assert not parity.same_bits
    assert not parity.holds
    assert "other bits" in parity.words


def test_flipped_labels_and_answers_that_are_no_numbers_are_noticed() -> None:
    """Neither may hide behind a tolerance or a comparison that is never true."""
    whole, model = engine("logistic", "binary"), fitted("logistic", "binary")
    mirrored = check_parity(
        _Turned(whole, lambda p: p[:, ::-1].copy()), model, {"onehot": rows("onehot")}, TARGETS["binary"]
    )
    assert mirrored.flipped > 100
    gone = check_parity(_Turned(whole, lambda p: p * np.nan), model, {"onehot": rows("onehot")}, TARGETS["binary"])
    assert gone.largest == np.inf
    assert not gone.holds


def test_made_rows_lie_beside_thresholds_and_hold_gaps_and_unseen_codes() -> None:
    """A comparison is worth as much as its rows."""
    made = beside_thresholds(fitted("xgboost", "binary"), {"ordinal": rows("ordinal")}, 500)["ordinal"]
    known = set(rows("ordinal")[:, 1].tolist())
    assert np.isnan(made).any(axis=0).all()
    assert set(made[~np.isnan(made[:, 1]), 1].tolist()) - known
    flat = fitted("xgboost", "binary").flat_
    thresholds = flat.threshold[(flat.children[0::2] != np.arange(len(flat.feature))) & (flat.feature == 2)]
    column = made[:, 2]
    apart = np.abs(column[:, None] - thresholds.astype(np.float64)).min(axis=1)
    assert ((apart > 0) & (apart < 1e-6)).sum() > 50
    assert (apart == 0).sum() > 5
