"""From the bytes of one row to the bytes of its answer: what that needs of a bundle is worked out once."""

from __future__ import annotations

from time import perf_counter
from weakref import WeakKeyDictionary

import orjson

from deploy.service.answer import Demands, named
from deploy.service.body import row_with_history
from deploy.service.meters import Meters
from penstock.bundle.bundle import Bundle


class Door:
    """How one version of one model is asked for one row."""

    # It does not hold the bundle: a version that is served no longer must not stay in memory for it.
    __slots__ = ("_demands", "_fields", "_tally")

    def __init__(self, bundle: Bundle, meters: Meters) -> None:
        self._fields = frozenset(bundle.fields)
        self._demands = Demands(bundle)
        self._tally = meters.tally(bundle.name, bundle.version)

    def answer(self, bundle: Bundle, body: bytes, max_rows: int) -> bytes:
        """Return the answer to one row, as JSON.

        Raises
        ------
        Problem
            400, 413 or 422, naming fields.
        """
        row, history = row_with_history(body, self._fields, max_rows)
        began = perf_counter()
        answers = bundle.predict([row], history)
        self._tally.note(perf_counter() - began, answers)
        self._demands.refuse(answers, single=True)
        return orjson.dumps({**answers.only(), **named(answers)})


class Doors:
    """The doors of all bundles that are in use."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._made: WeakKeyDictionary[Bundle, Door] = WeakKeyDictionary()

    def answer(self, bundle: Bundle, body: bytes, max_rows: int) -> bytes:
        """Return a bundle's answer to one row, as JSON.

        Raises
        ------
        Problem
            400, 413 or 422, naming fields.
        """
        door = self._made.get(bundle)
        if door is None:
            door = self._made[bundle] = Door(bundle, self._meters)
        return door.answer(bundle, body, max_rows)
