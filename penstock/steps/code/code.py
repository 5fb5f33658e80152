"""The step `code`: a function of the user's own that works within one row."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal, Self

from penstock.aims import Packages
from penstock.blocks import Blocks
from penstock.errors import PlanError
from penstock.slices import Words
from penstock.steps.base import CellStep, Kinds, StepBase
from penstock.steps.code.calling import called, given_to, merged
from penstock.steps.code.loading import Entry, loaded, require_packages
from penstock.steps.code.proving import proven
from penstock.table import Kind, closest


def kinds_in(blocks: Blocks, names: Iterable[str]) -> tuple[tuple[str, Kind], ...]:
    """Return the kinds of columns as blocks tell them."""
    return tuple(
        (name, "category" if name in blocks.texts else "datetime" if name in blocks.moments else "float")
        for name in names
    )


class UserCode(StepBase):
    """What both kinds of own code have: where the function is, its source, and what it takes and gives.

    `use` is MODULE:NAME. `source` and the versions of `packages` are filled in where the spec is read; from then on
    nothing but the carried source is run. `gives` names the columns that it gives and their kinds, where made-up rows
    could not tell.
    """

    use: str
    columns: Words | None = None
    gives: dict[str, Kind] = {}
    packages: Packages = {}
    source: dict[str, str] = {}

    @property
    def entry(self) -> Entry:
        """The function's module and name."""
        return Entry.parsed(self.use)

    def loaded(self) -> Any:  # whatever the user's module calls by that name
        """Return the function or class, out of the carried source.

        Raises
        ------
        BundleError
            A package that it declares is not installed here.
        SpecError
            Its module fails as it is loaded.
        PlanError
            Its source was never filled in.
        """
        if not self.source:
            raise PlanError(
                f"The step `{self.name}` carries no source for {self.use}",
                todo="Name the function in a spec, by `use`: its source is read there.",
            )
        require_packages(self.use, self.packages)
        return loaded(self.use, self.source)

    def taken(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the columns that the function is given, of those that are there."""
        return tuple(names) if self.columns is None else self.columns

    def _given(self, kinds: Kinds) -> tuple[tuple[str, Kind], ...]:
        return tuple((c, kinds[c]) for c in self.taken(kinds))

    def _require(self, kinds: Kinds) -> None:
        for column in self.columns or ():
            if column not in kinds:
                raise PlanError(
                    f"The step `{self.name}` names a column {column!r} that is not there",
                    where=f"use: {self.use}",
                    expected=closest(column, list(kinds)),
                )


class Code(CellStep, UserCode):
    r"""Run a function of your own, `use: MODULE:NAME`, that takes a frame and gives a column or a frame of columns.

    The frame has the named columns (float64, `str`, datetime64[us]), or all. A single column is called after the
    function; a column that is there already is replaced. When the plan is checked, rows are made up and the function
    must give each the same value alone and beside others.

    Examples
    --------
    >>> import pandas as pd
    >>> text = "def basket_value(frame):\n    return frame['price'] * frame['n']\n"
    >>> step = Code(use="shop:basket_value", columns=("price", "n"), source={"shop": text})
    >>> step.columns_after({"price": "float", "n": "integer"})
    {'price': 'float', 'n': 'integer', 'basket_value': 'float'}
    >>> step.apply(pd.DataFrame({"price": [2.5, 4.0], "n": [4.0, None]}))["basket_value"].tolist()
    [10.0, nan]
    >>> skewed = "def share(frame):\n    return frame['n'] / frame['n'].sum()\n"
    >>> Code(use="shop:share", source={"shop": skewed}).columns_after({"n": "integer"})
    Traceback (most recent call last):
    penstock.errors.PlanError: The function shop:share gives a row one value beside other rows and another alone...
    """

    kind: Literal["code"] = "code"

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns with those that the function gives, after it was tried on made-up rows.

        Raises
        ------
        PlanError
            A named column is absent, or the function does not work within one row.
        """
        self._require(kinds)
        return {**kinds, **_proven(self.model_dump_json(), self._given(kinds))}

    def settled(self, kinds: Kinds) -> Self:
        """Return the step with the columns that its function gives."""
        return self.model_copy(update={"gives": dict(_proven(self.model_dump_json(), self._given(kinds)))})

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with what the function gives.

        Raises
        ------
        DataError
            The function fails; the error names its line and the row.
        """
        function = self.loaded()
        names = self.taken(blocks.names)
        frame = given_to(blocks, names)
        columns = called(function, frame, self.entry)
        promised = self.gives or _proven(self.model_dump_json(), kinds_in(blocks, names))
        return merged(blocks, columns, promised, self.entry)


@lru_cache(maxsize=512)
def _proven(step: str, kinds: tuple[tuple[str, Kind], ...]) -> dict[str, Kind]:
    # By its text, since a step holds dicts; a request must not prove a function again.
    code = Code.model_validate_json(step)
    return proven(code.loaded(), code.entry, dict(kinds), code.gives)
