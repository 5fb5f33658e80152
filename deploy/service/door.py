"""From the bytes of one row to the bytes of its answer: what that needs of a bundle is worked out once."""

from __future__ import annotations

import time
import weakref
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import orjson

from deploy.service.answer import Demands, named, predict, predict_plain
from deploy.service.body import quick_row, row_with_history
from deploy.service.chunk import Shown
from deploy.service.holder import Held
from deploy.service.meters import Meters
from deploy.service.recording import MOST_ROWS, PredictionLog
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
        self._known: weakref.WeakKeyDictionary[Bundle, _Known] = weakref.WeakKeyDictionary()
        # Most of the time one bundle is asked again and again.
        self._last: tuple[weakref.ref[Bundle] | None, _Known | None] = None, None

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
            kept = known.shown.told(row, body if history is None else None)
            self.log.note(known.shown, request_id, kept, content, time.perf_counter() - began)
        return content

    def plain(self, held: Held, body: bytes, request_id: str) -> bytes | None:
        """Return what `answer` does of a row that is written plainly; None of any other.

        Raises
        ------
        Exception
            It is to be refused, or the model fails. Nothing is counted then.
        """
        began = time.perf_counter()
        row = quick_row(body)
        if row is None:
            return None
        known = self.known(held.bundle)
        answers = predict_plain(held, row, known.demands, self._meters)
        content = orjson.dumps({**answers.only(), **named(answers)})
        if self.log is not None:
            shown = known.shown
            self.log.note(shown, request_id, shown.told(row, body), content, time.perf_counter() - began)
        return content

    def known(self, bundle: Bundle) -> _Known:
        """Return what is known of a bundle."""
        last, known = self._last
        if last is not None and last() is bundle and known is not None:
            return known
        known = self._known.get(bundle)
        if known is None:
            known = self._known[bundle] = _Known(frozenset(bundle.fields), Demands(bundle), Shown(bundle))
        self._last = weakref.ref(bundle), known
        return known

    def keep(
        self,
        held: Held,
        rows: Sequence[Row],
        answers: Sequence[bytes],
        seconds: float,
        request_id: str,
        body: bytes | None = None,
    ) -> None:
        """Log the rows of a batch, unless they are too many.

        Parameters
        ----------
        held : Held
            Who answered.
        rows, answers : sequence of mapping, sequence of bytes
            What was asked, and the JSON of each answer.
        seconds : float
            What all took.
        request_id : str
            Of the request.
        body : bytes, optional
            The JSON that `rows` were read from; None where more than rows stands in it.
        """
        if self.log is None:
            return
        if len(rows) > MOST_ROWS:
            self.log.leave_out(len(rows))
            return
        shown = self.known(held.bundle).shown
        kept = shown.told_many(rows, body)
        self.log.note_many(shown, request_id, kept, answers, seconds / max(1, len(rows)))
