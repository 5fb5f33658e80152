"""The target: its task, its labels and their spellings, or how its numbers are written."""

from __future__ import annotations

import re
from typing import Literal

import pyarrow as pa

from penstock.arrays.decisions import decide
from penstock.arrays.labels import in_rank_order, merged_spellings, positive_label
from penstock.arrays.numbers import NUMERIC_SHARE, NumberFormat, number_format
from penstock.arrays.proposing import far_lines
from penstock.arrays.sentinels import sentinels
from penstock.arrays.tally import Numbers, Tally, tally
from penstock.casting import canonical_array, cast_encoded
from penstock.errors import DataError
from penstock.slices import ColumnSpec, Typing
from penstock.table import MISSING_TOKENS, Column, Kind, Target
from penstock.target import as_array

Task = Literal["binary", "multiclass"]

MIN_ROWS = 50
MIN_CLASS = 5
MAX_CLASSES = 200
# At most this many distinct whole numbers are labels; more are a quantity.
FEW_INTEGERS = 20

_digits = re.compile(r"^[+-]?[0-9]+$")
# Text with leading zeros, such as 007, is a code: as a number it would lose its spelling.
_integer = re.compile(r"^-?(?:0|[1-9][0-9]*)$")


def infer_target(raw: pa.ChunkedArray, typing: Typing) -> Target:
    """Infer the target from its raw column.

    Text, booleans and at most 20 distinct whole numbers are labels; any other numbers are a quantity. The spec's `task`
    goes before that.

    Parameters
    ----------
    raw : pyarrow.ChunkedArray
        The target's raw values, shape (n_rows,).
    typing : Typing
        The target's name, the task, and the positive label where the user decided them.

    Returns
    -------
    Target
        Labels in their most frequent spelling. Classes with fewer than 5 rows are not among them; their rows count as
        having no label.

    Raises
    ------
    DataError
        All is missing, there are fewer than 50 rows, one class, too many classes, or no numbers for a regression.
    SpecError
        The positive label is none of the labels.

    Examples
    --------
    >>> import pyarrow as pa
    >>> raw = pa.chunked_array([["Yes", "No ", "No", "no"] * 20])
    >>> target = infer_target(raw, Typing(base="t", target="y"))
    >>> target.labels, target.positive, target.variants
    (('No', 'Yes'), 'Yes', {'no': 'No'})
    """
    decided = typing.columns.get(typing.target, ColumnSpec())
    tokens = MISSING_TOKENS if decided.missing is None else ("", *decided.missing)
    column = tally(raw, tokens)
    _check_rows(column, typing)
    form = _numbers(column, decided)
    task = _task(column, form, typing)
    if task == "regression":
        return _regression(column, form, typing, tokens)
    return _classification(tally(canonical_array(as_array(raw)), tokens), typing, tokens)


def _check_rows(column: Tally, typing: Typing) -> None:
    if not column.n:
        raise DataError(
            f"The target {typing.target!r} is missing in all rows",
            where=typing.base,
            got=f"{column.n_rows:,} rows, none with a target",
            todo="Choose another target, or correct the source.",
        )
    if column.n < MIN_ROWS:
        raise DataError(
            f"There are too few rows to learn {typing.target!r} from",
            where=typing.base,
            got=f"{column.n:,} rows with a target",
            expected=f"at least {MIN_ROWS}",
            todo="Give more rows.",
        )


def _numbers(column: Tally, decided: ColumnSpec) -> NumberFormat:
    if column.native is None:
        return number_format(column, decided)
    if pa.types.is_integer(column.native):
        return NumberFormat(whole=True)
    return NumberFormat() if pa.types.is_floating(column.native) else NumberFormat(share=0.0)


def _task(column: Tally, form: NumberFormat, typing: Typing) -> Literal["classification", "regression"]:
    decided = typing.columns.get(typing.target)
    kind = decided.kind if decided is not None else None
    if decided is not None and decided.ordinal is not None and typing.task in ("auto", "multiclass", "binary"):
        return "classification"
    if typing.task in ("regression", "forecast") or (typing.task == "auto" and kind == "float"):
        return "regression"
    if typing.task in ("binary", "multiclass") or kind in ("category", "text", "boolean") or not form.fits:
        return "classification"
    if column.distinct <= 4 * FEW_INTEGERS and not form.suffix and not form.prefix:
        texts = set(canonical_array(column.texts).to_pylist())
        if len(texts) <= FEW_INTEGERS and all(_digits.match(t) for t in texts):
            return "classification"
    return "regression"


def _regression(column: Tally, form: NumberFormat, typing: Typing, tokens: tuple[str, ...]) -> Target:
    decided = typing.columns.get(typing.target, ColumnSpec())
    if form.share < NUMERIC_SHARE:
        raise DataError(
            f"The target {typing.target!r} does not hold numbers, as a regression needs",
            where=typing.base,
            got=f"{form.share:.0%} of its cells read as numbers",
            expected=f"at least {NUMERIC_SHARE:.0%}",
            todo="Set task: auto, or correct the source.",
        )
    if column.distinct == 1:
        raise DataError(f"The target {typing.target!r} has one value in all rows", where=typing.base)
    kind: Kind = "integer" if form.whole else "float"
    reading = form.column(typing.target, kind, tokens, role="target", nullable=column.n_missing > 0)
    said = [f"{column.distinct:,} distinct numbers: regression", *form.words, *_unlabelled(column)]
    if typing.task == "auto":
        said.append("`task` overrides it")
    if not decided.private:
        # A regression would learn a number that stands for nothing as if it had been measured.
        values, _ = cast_encoded(reading, column.encoded)
        far = sentinels(Numbers(values, column.gone))
        said += [s.told for s in far]
        reading = reading.model_copy(update={"proposals": far_lines(typing.target, far, column.gone, decided)})
    told = "; ".join(said)
    if typing.task == "forecast":
        told = told.replace("numbers: regression", "numbers to forecast")
        return Target(name=typing.target, task="forecast", reading=_decided(reading, typing), evidence=told)
    return Target(name=typing.target, task="regression", reading=_decided(reading, typing), evidence=told)


def _decided(reading: Column, typing: Typing) -> Column:
    return decide(reading, typing.columns.get(typing.target, ColumnSpec())).model_copy(update={"role": "target"})


def _unlabelled(column: Tally) -> list[str]:
    return [f"{column.n_missing:,} rows without a target"] if column.n_missing else []


def _classification(column: Tally, typing: Typing, tokens: tuple[str, ...]) -> Target:
    counts = dict(zip(column.listed, column.counts.tolist(), strict=True))
    variants = merged_spellings(counts)
    totals: dict[str, int] = {}
    for text, count in counts.items():
        label = variants.get(text, text)
        totals[label] = totals.get(label, 0) + count
    kept = {label: n for label, n in totals.items() if n >= MIN_CLASS}
    _check_classes(totals, kept, typing)
    is_whole = all(_integer.match(label) for label in kept)
    labels = tuple(sorted(kept, key=int)) if is_whole else tuple(sorted(kept))
    decided = typing.columns.get(typing.target, ColumnSpec())
    if decided.ordinal is not None:
        labels = in_rank_order(labels, totals, decided.ordinal, typing.target, private=decided.private)
    task: Task = "binary" if len(labels) == 2 else "multiclass"
    if typing.task == "binary" and task != "binary":
        raise DataError(
            f"The target {typing.target!r} has {len(labels)} classes, which is not binary",
            where=typing.base,
            expected="two classes",
            todo="Set task: multiclass, or correct the source.",
        )
    positive, why = positive_label(kept, variants, typing.positive) if task == "binary" else (None, "")
    rare = sorted(set(totals) - set(kept))
    ranked = ["in the order that the spec gives"] if decided.ordinal is not None else []
    said = [f"{len(labels)} classes: {task}", *ranked, *([why] if why else [])]
    if variants:
        said.append(f"{len(variants)} other spellings merged")
    if rare:
        n_rare = sum(totals[r] for r in rare)
        said.append(f"{len(rare)} classes with fewer than {MIN_CLASS} rows left out ({n_rare:,} rows)")
    said += _unlabelled(column)
    if typing.task == "auto" and is_whole:
        said.append("`task: regression` would learn the numbers as a quantity")
    is_boolean = {label.casefold() for label in labels} == {"true", "false"}
    reading = Column(
        name=typing.target,
        kind="integer" if is_whole else "boolean" if is_boolean else "category",
        role="target",
        missing=tokens,
        nullable=column.n_missing > 0,
    )
    return Target(
        name=typing.target,
        task=task,
        labels=labels,
        label_type="integer" if is_whole else "boolean" if is_boolean else "text",
        positive=positive,
        ordered=decided.ordinal is not None,
        variants={v: label for v, label in variants.items() if label in kept},
        reading=_decided(reading, typing),
        evidence="; ".join(said),
    )


def _check_classes(totals: dict[str, int], kept: dict[str, int], typing: Typing) -> None:
    if len(totals) == 1:
        raise DataError(
            f"The target {typing.target!r} has one class in all rows",
            where=typing.base,
            expected="at least two classes",
            todo="Choose another target, or give rows of another class.",
        )
    if len(totals) > MAX_CLASSES:
        raise DataError(
            f"The target {typing.target!r} has too many classes",
            where=typing.base,
            got=f"{len(totals):,} distinct values",
            expected=f"at most {MAX_CLASSES} classes, or numbers",
            todo="Choose another target; for numbers set task: regression.",
        )
    if len(kept) < 2:
        raise DataError(
            f"The target {typing.target!r} has too few rows in its classes",
            where=typing.base,
            got=f"{len(kept)} of {len(totals)} classes with at least {MIN_CLASS} rows",
            expected="at least two such classes",
            todo="Give more rows of the rare classes.",
        )
