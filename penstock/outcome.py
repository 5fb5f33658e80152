"""What a finished run left behind, to look at from Python: frames, leaderboard, bundle, report."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from penstock.errors import NotFound
from penstock.receipts import LeaderboardRow, Wrangled
from penstock.store import Store
from penstock.summary import RunSummary

if TYPE_CHECKING:
    import pandas as pd

    from penstock.bundle.bundle import Bundle


class Outcome:
    """One finished run.

    Parameters
    ----------
    summary : RunSummary
        What the flow returned.
    artifacts : str or pathlib.Path
        The artifacts directory that it ran in.
    """

    def __init__(self, summary: RunSummary, artifacts: str | Path) -> None:
        self.summary = summary
        self._artifacts = Path(artifacts)

    @property
    def folder(self) -> Path:
        """Where the run's own files lie."""
        return self._artifacts / "runs" / self.summary.run_id

    @property
    def leaderboard(self) -> pd.DataFrame:
        """Every candidate with its cross-validated score, one row each, the best first."""
        import pandas as pd

        columns = [name for name in LeaderboardRow.model_fields if name != "folds"]
        rows = [row.model_dump(include=set(columns)) for row in self.summary.leaderboard]
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def clean(self) -> pd.DataFrame:
        """The frame after all steps, shape (n_train + n_heldout, n_features)."""
        return self._store.read_frame(self._wrangled.clean)

    @cached_property
    def rejected(self) -> pd.DataFrame:
        """The rows that were rejected, with the reason for each."""
        return self._store.read_frame(self._wrangled.rejected)

    @cached_property
    def bundle(self) -> Bundle:
        """The bundle that the run published.

        Raises
        ------
        NotFound
            It published none.
        """
        from penstock.bundle.bundle import Bundle

        if self.summary.bundle is None:
            run = self.summary.run_id
            todo = f"Look at the verdict; to publish all the same: penstock publish {run} --force REASON"
            raise NotFound("The run published no bundle", where=run, got=self.summary.state, todo=todo)
        return Bundle.load(self.summary.bundle)

    @property
    def report(self) -> Path:
        """The run's report, an HTML file."""
        return self.folder / "report.html"

    @property
    def _store(self) -> Store:
        return Store(self._artifacts)

    @cached_property
    def _wrangled(self) -> Wrangled:
        receipts: dict[str, Any] = orjson.loads((self.folder / "lineage.json").read_bytes())["receipts"]
        return Wrangled.model_validate(receipts["wrangle"])

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {score.value:.4g}" for name, score in self.summary.scores.items())
        reached = f", version {self.summary.version}" if self.summary.version else ""
        return f"<run {self.summary.run_id} of {self.summary.name}: {self.summary.state}{reached}; {scores}>"

    def _repr_html_(self) -> str:
        """Return the report for a notebook, in a frame of its own: its styles must not leak into the page."""
        from html import escape

        page = escape(self.report.read_text(encoding="utf-8"), quote=True)
        return f'<iframe srcdoc="{page}" style="width:100%;height:40rem;border:0" title="report"></iframe>'
