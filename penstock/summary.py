"""What a run comes to: the line that `penstock run --json` ends with, and more for whoever asks from Python."""

from __future__ import annotations

from typing import Any, Literal

from penstock.expect.outcome import Outcome
from penstock.frozen import Frozen
from penstock.receipts import Interval, LeaderboardRow, StageName, Verdict


class StageRun(Frozen):
    """One stage of a run: how long it took, and whether its body was entered."""

    name: StageName
    seconds: float
    state: Literal["completed", "cached", "unchanged"]


class RunSummary(Frozen):
    """The outcome of a run. Paths are absolute."""

    run_id: str
    name: str
    version: str | None
    published: bool
    state: Literal["published", "unchanged", "refused", "kept"]
    verdict: Verdict
    metric: str
    scores: dict[str, Interval]
    cross_validation: dict[str, tuple[float, float]]
    leaderboard: tuple[LeaderboardRow, ...]
    selection: tuple[str, ...] = ()
    stages: tuple[StageRun, ...]
    n_train: int
    n_heldout: int
    n_rejected: int
    report: str | None
    bundle: str | None
    candidate: str | None
    rejected: str | None = None
    expectations: Outcome = Outcome()

    def contract(self) -> dict[str, Any]:
        """Return the JSON object of the public contract."""
        whole = self.model_dump(mode="json")
        keys = ("run_id", "name", "version", "published", "scores", "stages", "report", "bundle")
        verdict = {"passed": self.verdict.passed, "reasons": list(self.verdict.reasons)}
        return {k: whole[k] for k in keys} | {"verdict": verdict, "state": self.state}
