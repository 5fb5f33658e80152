"""The target's raw values as what a model learns from: the index of a label, or a number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.casting import canonical_array, cast_column
from penstock.table import Column, Target

NO_LABEL = -1


def encode_target(target: Target, raw: Any) -> Any:
    """Return a target's raw values as label indices or numbers.

    Parameters
    ----------
    target : Target
        Its labels, the variants of their spelling, and how its numbers are written.
    raw : pyarrow.Array, pyarrow.ChunkedArray or sequence
        Raw values, shape (n_rows,).

    Returns
    -------
    numpy.ndarray
        Shape (n_rows,). Classification: int64 index into `target.labels`, -1 where the value is missing or no label.
        Regression: float64, NaN where it is missing or no number.

    Examples
    --------
    >>> import pyarrow as pa
    >>> target = Target(name="y", task="binary", labels=("No", "Yes"), variants={"yes.": "Yes"})
    >>> encode_target(target, pa.chunked_array([["Yes ", "yes.", "NO", "", None, "maybe"]])).tolist()
    [1, 1, 0, -1, -1, -1]
    """
    values = as_array(raw)
    if not target.is_classification:
        return cast_column(target.reading or Column(name=target.name, kind="float"), values)[0]
    encoded = canonical_array(values).dictionary_encode()
    index = {label: i for i, label in enumerate(target.labels)}
    index |= {variant: index[label] for variant, label in target.variants.items() if label in index}
    # A spelling that was not met before still means the label that it equals but for case, blanks and a closing dot.
    folded = unique_folds(target.labels)
    missing = frozenset(target.reading.missing if target.reading else Column(name="", kind="text").missing)
    found = [
        NO_LABEL if text in missing else index.get(text, index.get(folded.get(fold(text), ""), NO_LABEL))
        for text in encoded.dictionary.to_pylist()
    ]
    codes = pc.fill_null(encoded.indices, len(found)).to_numpy(zero_copy_only=False)
    return np.array([*found, NO_LABEL], dtype=np.int64)[codes]


def target_present(target: Target, raw: Any) -> Any:
    """Return which rows say anything of the target, be it a known label or not, as a boolean array."""
    column = target.reading or Column(name=target.name, kind="text")
    texts = canonical_array(as_array(raw))
    missing = pc.is_in(texts, value_set=pa.array([*column.missing, None], pa.string()))
    return ~missing.to_numpy(zero_copy_only=False)


def as_array(raw: Any) -> pa.Array:
    """Return raw values as one Arrow array; values of mixed types become text."""
    if isinstance(raw, pa.ChunkedArray):
        return raw.combine_chunks() if raw.num_chunks != 1 else raw.chunk(0)
    if isinstance(raw, pa.Array):
        return raw
    values = list(raw)
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if v is None else str(v) for v in values], pa.string())


def fold(text: str) -> str:
    """Return what two spellings of one label share: no case, no outer or doubled blanks, no closing dot.

    Examples
    --------
    >>> fold(" <=50K.") == fold("<=50k")
    True
    """
    return " ".join(text.casefold().split()).rstrip(". ")


def unique_folds(labels: tuple[str, ...]) -> dict[str, str]:
    """Return each label by its fold, where no other label folds to the same."""
    folds: dict[str, list[str]] = {}
    for label in labels:
        folds.setdefault(fold(label), []).append(label)
    return {folded: same[0] for folded, same in folds.items() if len(same) == 1}


def relabelled(value: Any, target: Target, shown: Target) -> Any:
    """Return JSON values in which every label of a target, as a key or as a text, is called as it may be shown.

    Examples
    --------
    >>> target, shown = (Target(name="y", task="binary", labels=labels) for labels in (("no", "yes"), ("1", "2")))
    >>> relabelled({"curves": {"yes": [0.5]}, "labels": ["no", "yes"]}, target, shown)
    {'curves': {'2': [0.5]}, 'labels': ['1', '2']}
    """
    if target.labels == shown.labels:
        return value
    return _renamed(value, dict(zip(target.labels, shown.labels, strict=True)))


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value
