"""The step `map_values`: values become other values by a table."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from penstock.blocks import Blocks, Texts, require
from penstock.cells import NotCast, canonical_text
from penstock.errors import PlanError
from penstock.slices import Words
from penstock.steps.base import NUMBERS, TEXTS, CellStep, Kinds, StepBase
from penstock.steps.values.reading import texts_of

New = str | Annotated[float, Field(allow_inf_nan=False)] | None
KEEP, MISSING = "keep", "missing"


def _keys_as_text(values: Any) -> Any:
    # YAML reads `1:` and `yes:` as a number and a truth value; a cell of a source would be the same text.
    if not isinstance(values, dict):
        return values
    try:
        return {canonical_text(key): new for key, new in values.items()}
    except NotCast:
        raise ValueError("what is replaced is a text, a number, or true or false") from None


class MapValues(CellStep, StepBase):
    """Replace values by others: texts by texts or by numbers, numbers by what stands for their text.

    A value that the table does not have is kept, made missing, or becomes the constant `otherwise`; what is missing
    stays missing. `null` in the table makes a value missing.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"grade": pd.array(["low", "high", "?", None], dtype="str")})
    >>> MapValues(columns=("grade",), values={"low": 0, "high": 1}, otherwise="missing").apply(frame)["grade"].tolist()
    [0.0, 1.0, nan, nan]
    >>> MapValues(columns=("grade",), values={"low": "LOW"}).apply(frame)["grade"].tolist()
    ['LOW', 'high', '?', nan]
    >>> MapValues(columns=("grade",), values={"low": "LOW", "high": 1})
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: ...texts and numbers together...
    """

    kind: Literal["map_values"] = "map_values"
    columns: Words
    values: Annotated[dict[str, New], BeforeValidator(_keys_as_text), Field(min_length=1)]
    otherwise: New = KEEP

    @model_validator(mode="after")
    def _of_one_sort(self) -> Self:
        new = [value for value in (*self.values.values(), *self._constant) if value is not None]
        if len({isinstance(value, str) for value in new}) > 1:
            raise ValueError("`values` and `otherwise` give texts and numbers together: one column holds one of them")
        return self

    @property
    def _constant(self) -> tuple[New, ...]:
        return () if self.otherwise in (KEEP, MISSING) else (self.otherwise,)

    @property
    def _gives_numbers(self) -> bool:
        return any(isinstance(value, float) for value in (*self.values.values(), *self._constant))

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns with the kind of what stands in them after.

        Raises
        ------
        PlanError
            A named column is absent or holds moments, or texts are to be kept among numbers.
        """
        self.check_columns(self.columns, kinds, NUMBERS | TEXTS)
        return {**kinds, **{name: self._kind_after(name, kinds) for name in self.columns}}

    def _kind_after(self, name: str, kinds: Kinds) -> Any:
        if not self._gives_numbers:
            return kinds[name] if kinds[name] in TEXTS else "category"
        if self.otherwise == KEEP and kinds[name] in TEXTS:
            raise PlanError(
                f"The step `map_values` would keep texts among the numbers of {name!r}",
                expected="`otherwise: missing`, or a number",
                todo="Say what becomes of values that are not in `values`.",
            )
        new = [value for value in (*self.values.values(), *self._constant) if isinstance(value, float)]
        kept_whole = self.otherwise != KEEP or kinds[name] == "integer"
        return "integer" if kept_whole and all(value.is_integer() for value in new) else "float"

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with new values."""
        require(self.columns, blocks.names)
        return blocks.with_columns({name: self._mapped(blocks.column(name)) for name in self.columns})

    def _mapped(self, values: np.ndarray | Texts) -> np.ndarray | Texts:
        texts = values if isinstance(values, Texts) else texts_of(values)
        if not self._gives_numbers:
            return texts.mapped(self._text)
        # Of numbers that are kept each stays what it was: its text would do, but takes longer.
        old = np.full(len(texts.levels), np.nan)
        if not isinstance(values, Texts):
            at, rows = np.unique(texts.codes, return_index=True)
            old[at[at >= 0]] = values[rows[at >= 0]]
        table = [self._number(text, kept) for text, kept in zip(texts.levels, old.tolist(), strict=True)]
        return np.asarray(np.array([*table, np.nan])[texts.codes])

    def _text(self, text: str | None) -> str | None:
        if text is None:
            return None
        new = self.values.get(text, text if self.otherwise == KEEP else self._otherwise)
        return None if new is None else str(new)

    def _number(self, text: str, kept: float) -> float:
        new = self.values.get(text, kept if self.otherwise == KEEP else self._otherwise)
        return np.nan if new is None else float(new)

    @property
    def _otherwise(self) -> New:
        return None if self.otherwise == MISSING else self.otherwise
