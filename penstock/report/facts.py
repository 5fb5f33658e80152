"""What a dossier tells, as one frozen record: values of JSON size, and the bytes of pictures.

Values of private columns are never in it: what is not gathered cannot be shown.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict

from penstock.frozen import Frozen
from penstock.receipts import Interval, LeaderboardRow, Verdict
from penstock.report.coefficients import Coefficients
from penstock.report.explained import Explained
from penstock.steps.audit import Audit


class Picture(Frozen):
    """One figure: PNG bytes, and the sentence that says what is seen.

    `names` tells in full the names that the figure shortens.
    """

    model_config = ConfigDict(**{**Frozen.model_config, "ser_json_bytes": "base64", "val_json_bytes": "base64"})

    name: str
    title: str
    caption: str
    png: bytes
    names: dict[str, str] = {}


class StageFact(Frozen):
    """One stage of the run: how long it took, and whether its body was entered."""

    name: str
    seconds: float
    state: str


class SourceFact(Frozen):
    """One source as it was collected."""

    name: str
    kind: str
    uri: str
    collected_at: str
    n_rows: int
    sha256: str
    n_bytes: int = 0
    n_quarantined: int = 0
    remarks: tuple[str, ...] = ()


class ColumnFact(Frozen):
    """What was understood of one column; `missing` is the share of training rows, None where it is not known.

    `reads` says how its cells are written, `values` what they are like in training, `doubts` what speaks against its
    type; of a private column all three are empty.
    """

    name: str
    table: str
    kind: str
    role: str
    unit: str
    serve: str
    private: bool
    missing: float | None
    evidence: str
    distinct: int | None = None
    reads: str = ""
    values: str = ""
    doubts: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()


class TargetFact(Frozen):
    """What is predicted. `labels` are the first fifty of `n_labels`."""

    name: str
    task: str
    labels: tuple[str, ...]
    n_labels: int
    positive: str | None
    evidence: str


class RejectionFact(Frozen):
    """How many rows of one side were rejected for one reason."""

    reason: str
    column: str
    side: str
    n: int


class FindingFact(Frozen):
    """A suspicion of leakage."""

    what: str
    column: str
    blocks: bool


class ChallengeFact(Frozen):
    """Champion against challenger, twin against twin, on the same held-out rows; more than 0 favours the challenger."""

    champion: str
    metric: str
    champion_score: float | None = None
    challenger_score: float | None = None
    difference: Interval | None = None
    note: str = ""


class SliceFact(Frozen):
    """The score of the held-out rows in which a column has one level."""

    column: str
    level: str
    n: int
    value: float


class LineageFact(Frozen):
    """One receipt or object that the model stems from."""

    stage: str
    what: str
    digest: str


class EnvironmentFact(Frozen):
    """What the run stood on: releases of Python and of libraries, the machine's kind, and the seed."""

    libraries: dict[str, str] = {}
    seed: int | None = None


class DossierFacts(Frozen):
    """Everything that a dossier tells. Every tuple is bounded; `n_columns` and `n_slices` count what there is.

    `aim` is what good means, in sentences; `expectations` are the sentences on what the data were held to; `spec` is
    the spec's text with no value of a private column in it, and `spec_path` where the user keeps it. `n_left_out`
    counts the pictures for which there was no room.
    """

    name: str
    run_id: str
    made_at: str
    state: Literal["candidate", "published", "unchanged", "refused", "kept"]
    version: str | None
    digest: str
    artifacts: str
    family: str
    metric: str
    greater_is_better: bool
    aim: tuple[str, ...] = ()
    selection: tuple[str, ...] = ()
    residuals: tuple[str, ...] = ()
    verdict: Verdict
    scores: dict[str, Interval]
    cross_validation: dict[str, tuple[float, float]]
    baseline: dict[str, Interval]
    unflagged: dict[str, Interval]
    leaderboard: tuple[LeaderboardRow, ...]
    challenge: ChallengeFact | None
    slices: tuple[SliceFact, ...]
    n_slices: int
    findings: tuple[FindingFact, ...]
    stages: tuple[StageFact, ...]
    sources: tuple[SourceFact, ...]
    target: TargetFact
    columns: tuple[ColumnFact, ...]
    n_columns: int
    n_train: int
    n_heldout: int
    audit: Audit
    rejections: tuple[RejectionFact, ...]
    figures: tuple[Picture, ...]
    evaluation: tuple[Picture, ...]
    lineage: tuple[LineageFact, ...]
    example: dict[str, str | int | float | bool | None]
    expectations: tuple[str, ...] = ()
    coefficients: Coefficients | None = None
    environment: EnvironmentFact = EnvironmentFact()
    spec: str = ""
    spec_path: str = ""
    n_left_out: int = 0
    explained: Explained | None = None

    @property
    def main(self) -> Interval | None:
        """The main metric's score."""
        return self.scores.get(self.metric)
