"""The step `learned_code`: a class of the user's own that learns from training rows."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd

from penstock.blocks import Blocks, Texts
from penstock.errors import DataError, PlanError
from penstock.steps.base import Kinds, Known, Learned, LearnedStep
from penstock.steps.code.calling import Columns, called, given_to, merged
from penstock.steps.code.code import UserCode, kinds_in
from penstock.steps.code.loading import Entry
from penstock.steps.code.proving import made_up, proven
from penstock.table import Kind

N_LEARNING = 120
INNER_FOLDS = 5


@dataclass(frozen=True)
class CodeLearned(Learned):
    """What an instance of the user's class holds after it was fitted, and the columns that it gives.

    `out_of_fold` are what the training rows themselves are given where the class learns from the target; it stays
    behind when the model is sealed.
    """

    step: LearnedCode
    names: tuple[str, ...]
    promised: dict[str, Kind]
    state: dict[str, Any]  # the instance's own attributes: whatever the user's class keeps
    out_of_fold: Columns | None = None

    def on(self, blocks: Blocks) -> Blocks:
        """Return the blocks with what `transform` gives."""
        columns = called(self._transform, given_to(blocks, self.names), self.step.entry)
        return merged(blocks, columns, self.promised, self.step.entry)

    def on_training(self, blocks: Blocks) -> Blocks:
        """Return the training rows with values out of fold, where the class learns from the target."""
        if self.out_of_fold is None:
            return self.on(blocks)
        return merged(blocks, self.out_of_fold, self.promised, self.step.entry)

    def describe(self) -> dict[str, Any]:
        """Return the names of the attributes that were learned, and the columns that are given."""
        return {"use": self.step.use, "attributes": sorted(self.state), "gives": dict(self.promised)}

    def _transform(self, frame: pd.DataFrame) -> Any:
        kind = self.step.loaded()
        instance = kind.__new__(kind)
        instance.__dict__.update(self.state)
        return instance.transform(frame)

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what only the training rows are given."""
        return {**self.__dict__, "out_of_fold": None}


class LearnedCode(LearnedStep, UserCode):
    """Run a class of your own, `use: MODULE:NAME`, with `fit(frame)` or `fit(frame, target)`, and `transform(frame)`.

    It is fitted on training rows, in every fold anew. A class that learns from the target gives training rows values
    out of fold. What `transform` gives is proven to work within one row when the plan is checked.

    Examples
    --------
    >>> import pandas as pd
    >>> text = '''
    ... class Centred:
    ...     def fit(self, frame):
    ...         self.mean = frame["age"].mean()
    ...     def transform(self, frame):
    ...         return {"age_centred": frame["age"] - self.mean}
    ... '''
    >>> step = LearnedCode(use="mine:Centred", source={"mine": text})
    >>> learned = step.learn(pd.DataFrame({"age": [20.0, 40.0]}))
    >>> learned.apply(pd.DataFrame({"age": [31.0, None]}))["age_centred"].tolist()
    [1.0, nan]
    """

    suits: ClassVar[frozenset[str]] = frozenset({"integer", "float", "boolean", "time", "category", "text", "datetime"})

    kind: Literal["learned_code"] = "learned_code"

    def columns_after(self, kinds: Kinds) -> Kinds:
        """Return the columns with those that the class gives, after it was tried on made-up rows.

        Raises
        ------
        PlanError
            A named column is absent, the class lacks `fit` or `transform`, or does not work within one row.
        """
        self._require(kinds)
        return {**kinds, **_proven(self.model_dump_json(), self._given(kinds))}

    def settled(self, kinds: Kinds) -> Self:
        """Return the step with the columns that its class gives."""
        return self.model_copy(update={"gives": dict(_proven(self.model_dump_json(), self._given(kinds)))})

    def learn_from(self, blocks: Blocks, known: Known | None = None) -> CodeLearned:
        """Return what an instance of the class holds after it was fitted.

        Raises
        ------
        DataError
            `fit` fails, or needs a target and there is none.
        """
        names = self.taken(blocks.names)
        promised = dict(self.gives) or _proven(self.model_dump_json(), kinds_in(blocks, names))
        frame = given_to(blocks, names)
        learned = CodeLearned(self, names, promised, self._fitted(frame, known))
        if not self._asks_target:
            return learned
        assert known is not None
        return replace(learned, out_of_fold=self._out_of_fold(learned, blocks, frame, known))

    @property
    def _asks_target(self) -> bool:
        parameters = list(inspect.signature(self.loaded().fit).parameters.values())[1:]
        named = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        return len(named) > 1

    def _fitted(self, frame: pd.DataFrame, known: Known | None) -> dict[str, Any]:
        given: list[Any] = [frame.copy()]
        if self._asks_target:
            if known is None:
                raise DataError(f"The class {self.use} learns from the target, and there is none")
            given.append(known.target.copy())
        try:
            instance = self.loaded()()
            instance.fit(*given)
        except Exception as error:
            raise DataError(
                f"The class {self.use} fails to learn", where=f"{len(frame)} training rows", got=type(error).__name__
            ) from error
        return dict(vars(instance))

    def _out_of_fold(self, learned: CodeLearned, blocks: Blocks, frame: pd.DataFrame, known: Known) -> Columns:
        n_rows = len(frame)
        n_folds = min(INNER_FOLDS, n_rows)
        if n_folds < 2:
            return called(learned._transform, frame, self.entry)
        fold_of = np.random.default_rng(known.seed).permutation(n_rows) % n_folds
        parts: list[tuple[np.ndarray, Columns]] = []
        for fold in range(n_folds):
            rows, others = np.flatnonzero(fold_of == fold), np.flatnonzero(fold_of != fold)
            state = self._fitted(
                frame.iloc[others].reset_index(drop=True),
                Known(known.target[others], known.n_labels, known.seed),
            )
            part = replace(learned, state=state)
            parts.append((rows, called(part._transform, frame.iloc[rows].reset_index(drop=True), self.entry)))
        return {name: _put_together([(rows, part[name]) for rows, part in parts], n_rows) for name in learned.promised}


def _put_together(parts: list[tuple[np.ndarray, np.ndarray | Texts]], n_rows: int) -> np.ndarray | Texts:
    order = np.concatenate([rows for rows, _ in parts])
    back = np.empty(n_rows, dtype=np.intp)
    back[order] = np.arange(n_rows)
    columns = [column for _, column in parts]
    if isinstance(columns[0], Texts):
        whole = pd.concat([pd.Series(c.array()) for c in columns if isinstance(c, Texts)], ignore_index=True)
        return Texts.of(whole.take(back).array)
    return np.concatenate([c for c in columns if not isinstance(c, Texts)])[back]


@lru_cache(maxsize=512)
def _proven(step: str, kinds: tuple[tuple[str, Kind], ...]) -> dict[str, Kind]:
    code = LearnedCode.model_validate_json(step)
    kind, entry = code.loaded(), code.entry
    for method in ("fit", "transform"):
        if not callable(getattr(kind, method, None)):
            raise PlanError(f"The class {entry} has no `{method}`", expected="a class with `fit` and `transform`")
    frame = made_up(dict(kinds), N_LEARNING, seed=1)
    target = np.random.default_rng(2).integers(0, 2, size=N_LEARNING)
    return proven(_after_learning(code, frame, target, entry), entry, dict(kinds), code.gives)


def _after_learning(
    code: LearnedCode, frame: pd.DataFrame, target: np.ndarray, entry: Entry
) -> Callable[[pd.DataFrame], Any]:
    try:
        state = code._fitted(frame, Known(target, 2))
    except DataError as error:
        cause = error.__cause__
        raise PlanError(
            f"The class {entry} fails to learn from rows made up to try it", got=f"{type(cause).__name__}: {cause}"
        ) from error
    return CodeLearned(code, tuple(frame.columns), {}, state)._transform
