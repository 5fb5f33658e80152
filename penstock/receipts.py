"""The frozen records that travel between stages: JSON-sized, closed, with digests; payloads lie in the store.

A receipt's `identity` leaves out what may differ between two runs on the same data (times, durations), so that a
stage is cached by what it was given, not by when.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from penstock.frozen import Frozen, digest_of

StageName = Literal["collect", "arrays", "wrangle", "explore", "train", "evaluate", "publish"]
STAGES: tuple[StageName, ...] = ("collect", "arrays", "wrangle", "explore", "train", "evaluate", "publish")


class Ref(Frozen):
    """An object of the store: the sha256 of its bytes and its path below the store's root."""

    digest: str
    path: str
    size: int


class FileRef(Ref):
    """Any file."""

    media: str = "application/octet-stream"


class FrameRef(Ref):
    """An Arrow IPC file of one table."""

    n_rows: int
    columns: tuple[str, ...]


class Receipt(Frozen):
    """What a stage gives to the next ones."""

    volatile: ClassVar[frozenset[str]] = frozenset()

    def identity(self) -> str:
        """Return the sha256 over everything but the volatile fields, those of nested receipts included."""
        return digest_of(_stable(self))

    def refs(self) -> list[Ref]:
        """Return every object of the store that this receipt names, nested receipts included."""
        found: list[Ref] = []
        _gather(self, found)
        return found


def _stable(value: object) -> object:
    if isinstance(value, Receipt):
        return {k: _stable(getattr(value, k)) for k in type(value).model_fields if k not in value.volatile}
    if isinstance(value, Frozen):
        return value.model_dump(mode="json")
    if isinstance(value, tuple | list):
        return [_stable(v) for v in value]
    if isinstance(value, dict):
        return {k: _stable(v) for k, v in value.items()}
    return value


def _gather(value: object, found: list[Ref]) -> None:
    if isinstance(value, Ref):
        found.append(value)
    elif isinstance(value, Frozen):
        for name in type(value).model_fields:
            _gather(getattr(value, name), found)
    elif isinstance(value, tuple | list):
        for item in value:
            _gather(item, found)
    elif isinstance(value, dict):
        for item in value.values():
            _gather(item, found)


class Part(Frozen):
    """One file or answer of a source, byte for byte as it came.

    `etag` and `modified` are what the place said of its state; they spare the next run a transfer.
    """

    name: str
    file: FileRef
    etag: str | None = None
    modified: str | None = None


# The kind of a snapshot that no source brought: a table that was made of others.
MADE = "made"


class Snapshot(Receipt):
    """One source as it came, where from, and the raw table that was read out of it.

    `sha256` covers the bytes of all parts. `quarantine` lists the rows that could not be parsed (`file`, `line`,
    `reason`, `text`); `origin` is what the place told about itself, with no secret in it; `watermark` the highest value
    of the declared column; `remarks` what a reader should know, such as files of an archive that were passed over.

    A table that was made of others (kind `made`) has no parts, and `sha256` is that of its rows; `private` are the
    columns that were made of private ones.
    """

    volatile: ClassVar[frozenset[str]] = frozenset({"collected_at", "uri", "parts", "origin", "remarks", "n_bytes"})

    name: str
    kind: str
    uri: str
    collected_at: str
    n_rows: int
    n_bytes: int
    sha256: str
    parts: tuple[Part, ...]
    table: FrameRef
    n_quarantined: int = 0
    quarantine: FrameRef | None = None
    origin: dict[str, str] = {}
    watermark: str | None = None
    remarks: tuple[str, ...] = ()
    private: tuple[str, ...] = ()


class Edited(Frozen):
    """A table of rejected rows that a person has edited, as its file says it."""

    name: str
    table: FrameRef


class Collected(Receipt):
    """The collect stage: every source of the spec, in the spec's order; the first is the base.

    `fixes` are tables of rejected rows that a person has edited, in the spec's order.
    """

    snapshots: tuple[Snapshot, ...]
    fixes: tuple[Edited, ...] = ()


class Fixed(Frozen):
    """What a person's corrections changed: in `n_rows` rows `n_cells` cells.

    `original` holds the rows as they came, those at the positions `dropped` left out: it is what tells their sides.
    """

    original: FrameRef
    dropped: tuple[int, ...] = ()
    n_rows: int
    n_cells: int

    def told(self) -> str:
        """Say it in a sentence."""
        dropped = f", {len(self.dropped):,} dropped for good" if self.dropped else ""
        return f"fixes: {self.n_cells:,} cells corrected in {self.n_rows:,} rows{dropped}"


class TypedTable(Receipt):
    """One source as typed columns beside its raw rows, in the same row order; `fixed` where a person corrected some."""

    name: str
    raw: FrameRef
    typed: FrameRef
    table_schema: FileRef
    profile: FileRef
    misfits: FrameRef
    fixed: Fixed | None = None


class Arrays(Receipt):
    """The arrays stage: typed tables, and one seed a stage."""

    tables: tuple[TypedTable, ...]
    seeds: dict[StageName, int]
    lock: FileRef


class Wrangled(Receipt):
    """The wrangle stage.

    `raw`, `cut`, `clean` and `sides` hold the same rows in the same order. `raw` is what a caller would send; `cut` is
    the frame of features at the plan's first learned step, which is what every fold starts from; `clean` is the frame
    after all steps, learned on training rows. `sides` has the columns `row` (int64, position in the base source),
    `side` (train or heldout), `reason` (why a row step would reject a held-out row, else null), `target` (int64 index
    of the label, or float64), `group` (str or null) and, where the spec names a column for it, `weight` (float64, at
    least 0: how much the row counts). `lookups` are the tables that travel in the bundle.

    Of a forecast each row of the base may stand there more than once, with another origin each time; `sides` then has
    `index` and `origin` too, the places of the row and of its origin in their series. `history` holds all raw rows of
    the base as far as later ones look back at them.
    """

    # The audit tells how long each step took.
    volatile: ClassVar[frozenset[str]] = frozenset({"audit"})

    raw: FrameRef
    cut: FrameRef
    clean: FrameRef
    sides: FrameRef
    rejected: FrameRef
    lookups: dict[str, FrameRef] = {}
    history: FrameRef | None = None
    plan: FileRef
    table_schema: FileRef
    audit: FileRef
    profile: FileRef
    n_train: int
    n_heldout: int


class Figure(Frozen):
    """One picture of the explore stage; `names` tells in full the names that it shortens."""

    name: str
    title: str
    caption: str
    file: FileRef
    names: dict[str, str] = {}


class Explored(Receipt):
    """The explore stage."""

    figures: tuple[Figure, ...]
    n_rows: int


class Interval(Frozen):
    """A score with its 95 % bootstrap interval over `n` held-out rows."""

    value: float
    low: float
    high: float
    n: int


class LeaderboardRow(Frozen):
    """One candidate: its scores over the folds, and what became of it.

    `config` says what differs from its family's defaults, `cost_ms` about what one row takes, and `weight` what it
    counts in the ensemble that was chosen. `behind` is by how much the best one is better on the same rows, where the
    two were compared, and `indistinct` whether that may be chance.
    """

    family: str
    config: str = ""
    metric: str
    mean: float | None
    sd: float | None
    folds: tuple[float, ...] = ()
    seconds: float = 0.0
    state: Literal["completed", "stopped", "failed", "skipped"] = "completed"
    note: str = ""
    chosen: bool = False
    cost_ms: float | None = None
    weight: float = 0.0
    behind: Interval | None = None
    indistinct: bool = False

    @property
    def words(self) -> str:
        """The family, and what differs in its configuration.

        Examples
        --------
        >>> LeaderboardRow(family="linear", config="c 2", metric="rmse", mean=None, sd=None).words
        'linear (c 2)'
        """
        return f"{self.family} ({self.config})" if self.config else self.family

    @property
    def outcome(self) -> str:
        """What became of it, in words; empty where there is nothing to say."""
        share = f"{self.weight:.0%} of the ensemble" if 0 < self.weight < 1 else ""
        return "; ".join(part for part in (share, self.gap, self.note) if part) or (
            "" if self.state == "completed" else self.state
        )

    @property
    def gap(self) -> str:
        """How far it is behind the best, and whether that may be chance; empty where they were not compared."""
        if self.behind is None:
            return ""
        gap = f"{self.behind.value:.2g} [{self.behind.low:.2g}, {self.behind.high:.2g}]"
        return f"cannot be told from the best: {gap} behind" if self.indistinct else f"{gap} behind"


class Trained(Receipt):
    """The train stage: the winning recipe, fitted twice, and the leaderboard it won.

    `selection` says how candidates were compared, in sentences.
    """

    # The leaderboard tells how long each family took.
    volatile: ClassVar[frozenset[str]] = frozenset({"leaderboard", "selection"})

    family: str
    metric: str
    served: FileRef
    twin: FileRef
    probe: FrameRef
    table_schema: FileRef
    plan: FileRef
    profile: FileRef
    lookups: dict[str, FrameRef] = {}
    environment: FileRef
    content_digest: str
    leaderboard: tuple[LeaderboardRow, ...]
    selection: tuple[str, ...] = ()
    cross_validation: dict[str, tuple[float, float]] = {}


class Verdict(Frozen):
    """What the gate decided, and why."""

    passed: bool
    reasons: tuple[str, ...]
    champion: str | None = None
    checks: tuple[dict[str, str | bool | float | int | None], ...] = ()


class Evaluated(Receipt):
    """The evaluate stage: scores of the twin on raw held-out rows, and the verdict.

    `measured` is what serving it costs on this machine: `latency_ms` of one row, `memory_mb` and `bundle_mb`.
    """

    # The same model is faster on an idle machine.
    volatile: ClassVar[frozenset[str]] = frozenset({"measured"})

    metric: str
    scores: dict[str, Interval]
    cross_validation: dict[str, tuple[float, float]]
    baseline: dict[str, Interval]
    verdict: Verdict
    metrics: FileRef
    measured: dict[str, float] = {}


class Published(Receipt):
    """The publish stage."""

    volatile: ClassVar[frozenset[str]] = frozenset({"published_at"})

    state: Literal["published", "unchanged", "refused", "kept"]
    model: str
    version: str | None
    digest: str
    sequence: int | None
    generation: int | None
    path: str | None
    published_at: str
    reasons: tuple[str, ...] = ()
