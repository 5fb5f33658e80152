"""What a bundle answers: one prediction a row, in order, with what there is to warn of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from penstock.answering.decision import Decision, codes_of
from penstock.bundle.rows import Rows
from penstock.cells import Misfit
from penstock.table import Target

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Code = Literal[
    "unseen_category",
    "out_of_range",
    "missing_field",
    "unknown_field",
    "renamed_field",
    "misfit",
    "missing_key",
    "orphan_key",
    "stale_lookup",
    "unseen_series",
    "short_history",
    "old_history",
    "earlier_history",
]
Label = str | int | bool | None
_NONE: Rows = np.empty(0, dtype=np.int64)


class Warned(NamedTuple):
    """One warning about one row. The message names the field and what was expected, never the value."""

    code: Code
    field: str
    message: str

    def to_json(self) -> dict[str, str]:
        """Return it as a JSON object."""
        return {"code": self.code, "field": self.field, "message": self.message}


@dataclass(frozen=True, slots=True)
class Note:
    """One warning, and the rows that it is about; None stands for all of them."""

    warned: Warned
    rows: Rows | None = None


@dataclass(frozen=True, slots=True)
class Predictions:
    """The answers to `len(self)` rows.

    Attributes
    ----------
    target : Target
        What was predicted.
    estimates : numpy.ndarray
        What the estimator said of every row, misfits read as missing: probabilities float64 of shape (n_rows, n_labels)
        in the order of `target.labels`, or values float64 of shape (n_rows,).
    notes : tuple of Note
        The warnings, in the order in which a row lists them.
    misfits : tuple of Misfit
        The cells that could not be read or lie outside a declared domain: their rows have no prediction.
    model, version : str
        Who answered.
    lookups : mapping of str to str
        The version of each table that was looked up in.
    low, high : numpy.ndarray, optional
        The ends of prediction intervals, float64 of shape (n_rows,), where the model gives them.
    decision : Decision, optional
        How a label is chosen, where errors differ in what they cost; by default the likeliest one is.

    Examples
    --------
    >>> sides = Target(name="side", task="binary", labels=("left", "right"))
    >>> Predictions(sides, np.array([[0.25, 0.75]])).rows()
    [{'prediction': 'right', 'probabilities': {'left': 0.25, 'right': 0.75}, 'warnings': []}]
    """

    target: Target
    estimates: Floats
    notes: tuple[Note, ...] = ()
    misfits: tuple[Misfit, ...] = ()
    model: str = ""
    version: str = ""
    lookups: Mapping[str, str] = field(default_factory=dict)
    low: Floats | None = None
    high: Floats | None = None
    decision: Decision | None = None
    _blank: Rows = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find the rows without a prediction."""
        blank = np.array(sorted({m.row for m in self.misfits}), dtype=np.int64) if self.misfits else _NONE
        object.__setattr__(self, "_blank", blank)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.estimates)

    @property
    def null(self) -> npt.NDArray[np.bool_]:
        """Which rows have no prediction, shape (n_rows,)."""
        mask = np.zeros(len(self), dtype=bool)
        mask[self._blank] = True
        return mask

    @property
    def is_finite(self) -> bool:
        """Whether every row that has a prediction has numbers for it."""
        if len(self._blank):
            return bool(np.isfinite(self.estimates[~self.null]).all())
        if len(self) == 1:
            return all(map(math.isfinite, self.estimates.ravel().tolist()))
        return bool(np.isfinite(self.estimates).all())

    @property
    def probabilities(self) -> Floats | None:
        """Probabilities of shape (n_rows, n_labels), NaN where there is no prediction; None for regression."""
        return self._blanked() if self.target.is_classification else None

    @property
    def values(self) -> Floats | None:
        """Values of shape (n_rows,), NaN where there is no prediction; None for classification."""
        return None if self.target.is_classification else self._blanked()

    @property
    def codes(self) -> Rows:
        """Positions of the predicted labels in `target.labels`, shape (n_rows,); -1 where there is no prediction."""
        codes = codes_of(self.estimates, self.decision) if len(self) else np.zeros(0, dtype=np.int64)
        codes[self._blank] = -1
        return codes

    @property
    def labels(self) -> list[Label]:
        """The predicted labels, typed as in JSON and Arrow; None where there is no prediction."""
        typed: list[Label] = [*map(self.target.typed, self.target.labels), None]
        return [typed[code] for code in self.codes.tolist()]

    @property
    def warnings(self) -> list[list[Warned]]:
        """The warnings of each row."""
        lists: list[list[Warned]] = [[] for _ in range(len(self))]
        for note in self.notes:
            for row in range(len(self)) if note.rows is None else note.rows.tolist():
                lists[row].append(note.warned)
        return lists

    def rows(self) -> list[dict[str, Any]]:
        """Return one JSON object a row: prediction, probabilities or ends of an interval, warnings. No NaN."""
        warnings = [[w.to_json() for w in of_row] for of_row in self.warnings]
        if not self.target.is_classification:
            values = self._blanked().tolist()
            told = [{"prediction": _finite(v), "warnings": w} for v, w in zip(values, warnings, strict=True)]
            if self.low is None or self.high is None:
                return told
            ends = zip(told, values, self.low.tolist(), self.high.tolist(), strict=True)
            return [_with_ends(answer, value, low, high) for answer, value, low, high in ends]
        names = self.target.labels
        return [
            {"prediction": label, "probabilities": dict(zip(names, shares, strict=True)), "warnings": w}
            if label is not None
            else {"prediction": None, "probabilities": dict.fromkeys(names), "warnings": w}
            for label, shares, w in zip(self.labels, self.estimates.tolist(), warnings, strict=True)
        ]

    def only(self) -> dict[str, Any]:
        """Return the JSON object of the only row: what `rows` gives of it, without lists for many.

        Examples
        --------
        >>> size = Target(name="size", task="regression")
        >>> Predictions(size, np.array([1.5]), low=np.array([1.0]), high=np.array([np.inf])).only()
        {'prediction': 1.5, 'low': 1.0, 'high': None, 'warnings': []}
        """
        warnings = [note.warned.to_json() for note in self.notes if note.rows is None or len(note.rows)]
        target = self.target
        is_blank = len(self._blank) > 0
        if not target.is_classification:
            value = None if is_blank else _finite(self.estimates.item())
            if self.low is None or self.high is None:
                return {"prediction": value, "warnings": warnings}
            ends = (None, None) if value is None else (_finite(self.low.item()), _finite(self.high.item()))
            return {"prediction": value, "low": ends[0], "high": ends[1], "warnings": warnings}
        if is_blank:
            return {"prediction": None, "probabilities": dict.fromkeys(target.labels), "warnings": warnings}
        label = target.labels[codes_of(self.estimates, self.decision).item()]
        shares = dict(zip(target.labels, self.estimates[0].tolist(), strict=True))
        return {"prediction": target.typed(label), "probabilities": shares, "warnings": warnings}

    def to_table(self) -> pa.Table:
        """Return as an Arrow table what `to_frame` gives as a frame."""
        columns: dict[str, Any] = {}
        if self.target.is_classification:
            kind = {"text": pa.large_string(), "integer": pa.int64()}.get(self.target.label_type, pa.bool_())
            labels = pa.array([self.target.typed(label) for label in self.target.labels], kind)
            codes = self.codes
            columns["prediction"] = labels.take(pa.array(codes, mask=codes < 0))
            shares = self._blanked()
            for i, label in enumerate(self.target.labels):
                columns[f"probability_{label}"] = _floats(shares[:, i])
        else:
            columns["prediction"] = _floats(self._blanked())
            for name, end in (("low", self.low), ("high", self.high)):
                if end is not None:
                    columns[name] = _floats(np.where(self.null, np.nan, end))
        columns["warning"] = pa.array(self._texts(), pa.large_string())
        return pa.table(columns)

    def to_frame(self) -> pd.DataFrame:
        """Return `prediction`, `probability_<label>` for each label or `low` and `high`, and `warning`; in order."""
        import pandas as pd

        columns: dict[str, Any] = {}
        if self.target.is_classification:
            columns["prediction"] = _label_array(self.labels, self.target)
            shares = self._blanked()
            for i, label in enumerate(self.target.labels):
                columns[f"probability_{label}"] = shares[:, i]
        else:
            columns["prediction"] = self._blanked()
            for name, end in (("low", self.low), ("high", self.high)):
                if end is not None:
                    columns[name] = np.where(self.null, np.nan, end)
        columns["warning"] = pd.array(self._texts(), dtype="str")
        return pd.DataFrame(columns)

    def _blanked(self) -> Floats:
        if not len(self._blank):
            return self.estimates
        done = self.estimates.copy()
        done[self._blank] = np.nan
        return done

    def _texts(self) -> Sequence[str]:
        texts = [""] * len(self)
        for note in self.notes:
            message = note.warned.message
            for row in range(len(self)) if note.rows is None else note.rows.tolist():
                texts[row] = f"{texts[row]}; {message}" if texts[row] else message
        return texts


def _floats(values: Floats) -> pa.Array:
    return pa.array(values, pa.float64(), from_pandas=True)


def _with_ends(answer: dict[str, Any], value: float, low: float, high: float) -> dict[str, Any]:
    known = math.isfinite(value)
    ends = {"low": _finite(low) if known else None, "high": _finite(high) if known else None}
    return {"prediction": answer["prediction"], **ends, "warnings": answer["warnings"]}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _label_array(labels: list[Any], target: Target) -> Any:
    import pandas as pd

    if target.label_type == "text":
        return pd.array(labels, dtype="str")
    if None in labels:
        return pd.array(labels, dtype="Int64" if target.label_type == "integer" else "boolean")
    return np.array(labels, dtype="int64" if target.label_type == "integer" else "bool")
