"""What is drawn: the training rows, column by column, and some of them as frames."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd
import pyarrow as pa

from penstock.explore.association import Category, cramer
from penstock.explore.columns import Columns, Ints, drawable
from penstock.plots.groups import Groups, groups_of, no_groups
from penstock.plots.relations import with_target
from penstock.plots.scatter import even_part
from penstock.receipts import FrameRef, Wrangled
from penstock.steps.hidden import hidden_columns, is_hidden
from penstock.steps.plan import Plan
from penstock.store import Store
from penstock.table import Column, TableSchema, Target

MOST_ROWS = 5_000
MOST_COLUMNS = 400
MOST_STARTED = 2_000
MOST_REJECTED = 500


@dataclass(frozen=True)
class Sample:
    """Training rows: all of them by column, and at most 5,000 of them as they were read, at the cut, and clean.

    Attributes
    ----------
    read, cut, clean : pandas.DataFrame
        The rows that are drawn as points: typed, at the plan's first learned step, and after all steps.
    drawn : ndarray of int64, shape (n_drawn,)
        Their positions among the training rows.
    columns : Columns
        All training rows at the cut.
    values : ndarray, shape (n_train,)
        Their target: indices of labels, or numbers.
    groups : Groups
        Their colours.
    sides : pandas.DataFrame
        What else is known of them: `row`, and of a forecast `index`, and `group` where there is one.
    start : pandas.DataFrame
        At most 2,000 rows as they come to the plan, private columns among them: for the steps, not for the eye.
    started : ndarray of int64, shape (n_started,)
        Their positions among the training rows.
    rejected : pandas.DataFrame
        The same for training rows that row steps rejected, at most 500 of them; `rejected_for` says why.
    unread : int
        Columns beyond the four hundredth, which are not looked at.
    """

    read: pd.DataFrame
    cut: pd.DataFrame
    clean: pd.DataFrame
    drawn: Ints
    columns: Columns
    raw: Columns
    values: npt.NDArray[Any]
    groups: Groups
    sides: pd.DataFrame
    schema: TableSchema
    target: Target
    plan: Plan
    told: dict[str, Any]
    hidden: frozenset[str]
    start: pd.DataFrame
    started: Ints
    rejected: pd.DataFrame
    rejected_for: tuple[str, ...]
    unread: int
    seed: int
    units: dict[str, str] = field(default_factory=dict)

    @property
    def n_train(self) -> int:
        """The number of training rows."""
        return len(self.columns)

    @property
    def numbers(self) -> list[str]:
        """Names of the numeric columns at the cut."""
        return self.columns.of_kind("number")

    @property
    def categories(self) -> list[str]:
        """Names of the columns of categories at the cut; free text and names of groups are none."""
        passed = {c.name for c in self.schema.columns if c.kind == "text" or c.role in ("id", "group")}
        return [name for name in self.columns.of_kind("text") if name not in passed]

    @property
    def texts(self) -> list[str]:
        """Names of the columns of free text at the cut."""
        free = {c.name for c in self.schema.columns if c.kind == "text" and c.role not in ("id", "group")}
        return [name for name in self.columns.of_kind("text") if name in free]

    @property
    def is_concealed(self) -> bool:
        """Whether the target is private: neither its values nor what goes with them are drawn."""
        return self.target.name in self.hidden

    @property
    def drawn_groups(self) -> Groups:
        """The colours of the rows that are drawn as points."""
        return replace(self.groups, codes=self.groups.codes[self.drawn])

    @property
    def legend(self) -> Groups:
        """The colours alone, of no row."""
        return replace(self.groups, codes=self.groups.codes[:0])

    def by_target(self, names: list[str]) -> list[str]:
        """Return numeric columns, those that go with the target most first, as the rows drawn have it."""
        if not names:
            return []
        numeric = None
        if not self.target.is_classification and len(self.groups) > 1:
            numeric = self.values[self.drawn].astype(np.float64)
        strength = with_target(self.cut[names], self.drawn_groups, numeric)
        return [names[i] for i in np.argsort(-np.round(strength, 9), kind="stable")]

    def by_groups(self, names: list[str]) -> dict[str, float]:
        """Return categorical columns, those that go with the target's groups most first, and how much, from 0 to 1."""
        codes = self.drawn_groups.codes
        groups = Category.of("", codes, len(self.groups))
        strength = {}
        for name in names:
            coded, levels = pd.factorize(self.cut[name].to_numpy(dtype=object), use_na_sentinel=True)
            strength[name] = cramer(Category.of(name, coded.astype(np.int64), len(levels)), groups)
        return dict(sorted(strength.items(), key=lambda item: -round(item[1], 9)))

    def typed(self, name: str) -> Any:
        """Return a column of the base as it was read, of all training rows; None where it did not come with them."""
        if name not in self.raw.names:
            return None
        table = pa.table({name: self.raw.raw(name)})
        return self.schema.cast(table, [name]).frame[name]


def take_sample(wrangled: Wrangled, seed: int, store: Store) -> Sample:
    """Find the training rows to be drawn.

    Parameters
    ----------
    wrangled : Wrangled
        The wrangle stage's receipt.
    seed : int
        Chooses the rows where there are more than 5,000.
    store : Store
        Where the tables are.
    """
    schema = TableSchema.model_validate_json(store.read_bytes(wrangled.table_schema))
    assert schema.target is not None
    told = orjson.loads(store.read_bytes(wrangled.plan))
    plan = Plan.model_validate({"steps": told["steps"]})
    hidden = hidden_columns(plan, schema)
    if schema.target.is_classification:
        # The labels of a private target are drawn as their numbers.
        schema = schema.model_copy(update={"target": schema.shown_target})
    assert schema.target is not None
    sides = store.read_table(wrangled.sides)
    train = np.flatnonzero(np.asarray(sides["side"].to_numpy(zero_copy_only=False) == "train")).astype(np.int64)
    drawn = np.arange(len(train), dtype=np.int64)
    if len(train) > MOST_ROWS:
        drawn = np.sort(np.random.default_rng(seed).choice(len(train), MOST_ROWS, replace=False))
    columns, unread = _columns(wrangled.cut, train, hidden, store)
    clean, _ = _columns(wrangled.clean, train, hidden, store)
    raw, _ = _columns(wrangled.raw, train, hidden, store)
    values = np.asarray(sides["target"].to_numpy(zero_copy_only=False))[train]
    concealed = schema.target.name in hidden
    known = [c.name for c in schema.features if c.name in raw.names]
    picked = {name: raw.raw(name, drawn) for name in known}
    frame = schema.cast(pa.table(picked), known).frame if known else pd.DataFrame(index=pd.RangeIndex(len(drawn)))
    started = drawn[even_part(len(drawn), MOST_STARTED)]
    start = _start(wrangled, schema, train[started], store)
    share = len(started) / max(len(train), 1)
    rejected, why = _rejected(wrangled, schema, [str(name) for name in start.columns], share, store)
    wanted = [name for name in ("row", "index", "group") if name in sides.column_names]
    return Sample(
        read=_drawable(frame),
        cut=_drawable(columns.frame(drawn)),
        clean=_drawable(clean.frame(drawn)),
        drawn=drawn,
        columns=columns,
        raw=raw,
        values=values if schema.target.is_classification else drawable(values.astype(np.float64)),
        # The classes or thirds of a private target would tell its values.
        groups=no_groups(len(train)) if concealed else groups_of(schema.target, values),
        sides=sides.select(wanted).take(pa.array(train)).to_pandas(),
        schema=schema,
        target=schema.target,
        plan=plan,
        told=told,
        hidden=hidden,
        start=start,
        started=started,
        rejected=rejected,
        rejected_for=why,
        unread=unread,
        seed=seed,
        units={c.name: _unit(c) for c in schema.columns if _unit(c)},
    )


def _unit(column: Column) -> str:
    return column.unit or column.suffix.strip() or column.prefix.strip()


def _columns(ref: FrameRef, rows: Ints, hidden: frozenset[str], store: Store) -> tuple[Columns, int]:
    shown = [name for name in ref.columns if not (hidden and is_hidden(name, hidden))]
    return Columns(store.read_table(ref), rows, shown[:MOST_COLUMNS]), max(len(shown) - MOST_COLUMNS, 0)


def _start(wrangled: Wrangled, schema: TableSchema, rows: Ints, store: Store) -> pd.DataFrame:
    """Return rows as they come to the plan; what a join or the past brought is taken from where the plan is cut."""
    at = pa.array(rows)
    raw = store.read_table(wrangled.raw)
    sent = [c.name for c in schema.features if c.name in raw.column_names]
    frame = schema.cast(raw.select(sent).take(at), sent).frame if sent else pd.DataFrame(index=pd.RangeIndex(len(rows)))
    brought = [c.name for c in schema.features if c.name not in sent and c.name in wrangled.cut.columns]
    if brought:
        cut = store.read_table(wrangled.cut).select(brought).take(at).to_pandas()
        frame = frame.assign(**{str(name): cut[name] for name in cut.columns})
    return frame


def _rejected(
    wrangled: Wrangled, schema: TableSchema, names: list[str], share: float, store: Store
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return training rows that were rejected, as they came, and why; none where not all their columns are known."""
    table = store.read_table(wrangled.rejected)
    here = {name: f"raw_{name}" if f"raw_{name}" in table.column_names else name for name in names}
    if "reason" not in table.column_names or any(name not in table.column_names for name in here.values()):
        return pd.DataFrame(), ()
    train = np.flatnonzero(np.asarray(table["side"].to_numpy(zero_copy_only=False) == "train")).astype(np.int64)
    # As many of them as of the others, so that what is drawn is in proportion.
    at = pa.array(train[even_part(len(train), min(math.ceil(share * len(train)), MOST_REJECTED))])
    columns = {name: table[there].take(at) for name, there in here.items()}
    if not len(at) or not columns:
        return pd.DataFrame(), ()
    return schema.cast(pa.table(columns), names).frame, tuple(map(str, table["reason"].take(at).to_pylist()))


def _drawable(frame: pd.DataFrame) -> pd.DataFrame:
    numbers = frame.select_dtypes("number").columns
    return frame.assign(**{str(name): drawable(frame[name].to_numpy(dtype=np.float64)) for name in numbers})
