"""From the bytes of one row to the bytes of its answer: what that needs of a bundle is worked out once."""

from __future__ import annotations

from time import perf_counter, time
from weakref import WeakKeyDictionary

import orjson

from deploy.service.answer import Demands, named, predict
from deploy.service.body import row_with_history
from deploy.service.holder import Held
from deploy.service.meters import Meters
from deploy.service.recorded import PredictionLog, Record, public_fields
from penstock.bundle.bundle import Bundle


class Doors:
    """What is known of each bundle that is in use, without keeping any in memory: a version's goes with the version."""

    def __init__(self, meters: Meters, log: PredictionLog | None = None) -> None:
        self._meters = meters
        self._log = log
        self._known: WeakKeyDictionary[Bundle, tuple[frozenset[str], Demands, frozenset[str]]] = WeakKeyDictionary()

    def answer(self, held: Held, body: bytes, max_rows: int, request_id: str = "") -> bytes:
        """Return the answer to one row, as JSON.

        Raises
        ------
        Problem
            400, 413 or 422, naming fields.
        """
        bundle = held.bundle
        known = self._known.get(bundle)
        if known is None:
            known = self._known[bundle] = frozenset(bundle.fields), Demands(bundle), public_fields(bundle)
        fields, demands, public = known
        began = perf_counter()
        row, history = row_with_history(body, fields, max_rows)
        answers = predict(held, [row], self._meters, history)
        demands.refuse(answers, single=True)
        content = orjson.dumps({**answers.only(), **named(answers)})
        if self._log is not None:
            seconds = perf_counter() - began
            self._log.note(Record(time(), request_id, bundle.name, bundle.version, row, public, content, seconds))
        return content
