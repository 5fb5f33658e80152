"""From the bytes of one row to the bytes of its answer: what that needs of a bundle is worked out once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import orjson

from deploy.service.answer import Demands, named, predict
from deploy.service.body import row_with_history
from deploy.service.holder import Held
from deploy.service.meters import Meters
from deploy.service.recording import MOST_ROWS, Asked, PredictionLog, Shown
from penstock.bundle.bundle import Bundle

Row: TypeAlias = Mapping[str, object]


class _Known(NamedTuple):
    """What a bundle's rows are checked by, and what of them may be kept."""

    fields: frozenset[str]
    demands: Demands
    shown: Shown


class Doors:
    """What is known of each bundle that is in use, without keeping any in memory: a version's goes with the version."""

    def __init__(self, meters: Meters, log: PredictionLog | None = None) -> None:
        self._meters = meters
        self.log = log
        self._known: WeakKeyDictionary[Bundle, _Known] = WeakKeyDictionary()

    def answer(self, held: Held, body: bytes, max_rows: int, request_id: str) -> bytes:
        """Return the answer to one row, as JSON.

        Raises
        ------
        Problem
            400, 413 or 422, naming fields.
        """
        began = time.perf_counter()
        known = self.known(held.bundle)
        row, history = row_with_history(body, known.fields, max_rows)
        answers = predict(held, [row], self._meters, history)
        known.demands.refuse(answers, single=True)
        content = orjson.dumps({**answers.only(), **named(answers)})
        if self.log is not None:
            now = time.perf_counter() - began
            kept = known.shown.told(row, body if history is None else None)
            self.log.note(Asked(time.time(), request_id, known.shown, kept, content, now))
        return content

    def known(self, bundle: Bundle) -> _Known:
        """Return what is known of a bundle."""
        known = self._known.get(bundle)
        if known is None:
            known = self._known[bundle] = _Known(frozenset(bundle.fields), Demands(bundle), Shown(bundle))
        return known

    def keep(self, held: Held, rows: Sequence[Row], answers: Sequence[Row], seconds: float, request_id: str) -> None:
        """Log the rows of a batch, unless they are too many."""
        if self.log is None:
            return
        if len(rows) > MOST_ROWS:
            self.log.leave_out(len(rows))
            return
        shown, each = self.known(held.bundle).shown, seconds / max(1, len(rows))
        self.log.note(Asked(time.time(), request_id, shown, rows, answers, each))
