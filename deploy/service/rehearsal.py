"""A new version's rehearsal: the rows that callers asked last, answered by it before it is let in."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from deploy.service.envelope import told_without_values
from deploy.service.holder import Held
from deploy.service.prove import Outcome
from deploy.service.recording import PredictionLog
from penstock.bundle.predictions import Predictions

log = logging.getLogger("penstock.service")


class Rehearsal:
    """Replays logged rows.

    Parameters
    ----------
    recording : PredictionLog
        Where the rows are.
    n_rows : int
        How many of the latest.
    """

    def __init__(self, recording: PredictionLog, n_rows: int) -> None:
        self._recording = recording
        self._n_rows = n_rows

    def of(self, name: str, now: Held | None, outcome: Outcome) -> Outcome:
        """Return the outcome of a load as it came, or refused: the new version fails rows that the live one answers.

        How far answers differ is told in the log; that they do is what a new version is for.
        """
        coming = outcome.held
        if now is None or coming is None or coming.bundle.digest == now.bundle.digest:
            return outcome
        rows = self._recording.last(name, self._n_rows)
        if not rows:
            return outcome
        try:
            reason = _compared(name, rows, now.bundle.predict(rows), coming.bundle.predict(rows))
        except Exception as error:
            log.error("model %s: %s fails on logged rows: %s", name, outcome.version, told_without_values(error))
            reason = f"It fails on the last {len(rows)} rows that were asked for"
        return outcome if not reason else replace(outcome, kind="refused", held=None, reason=reason)


def _compared(name: str, rows: Sequence[object], now: Predictions, coming: Predictions) -> str:
    """Return why the new answers are not good enough; empty where they are."""
    lost = int((coming.null & ~now.null).sum())
    if lost or not coming.is_finite:
        return f"It has no answer to {lost or 'some'} of the last {len(rows)} rows that the live version answers"
    if now.estimates.shape == coming.estimates.shape:
        largest = float(np.max(np.abs(now.estimates - coming.estimates), initial=0.0))
        log.info("model %s: replayed %d logged rows; answers differ by at most %.3g", name, len(rows), largest)
    return ""
