"""One digest of what a model is: the same for the same fitted state in any process, whatever its pickle looks like.

Pickle bytes differ between runs with the order of sets, the sharing of objects and the padding of structs. So the
fitted state itself is walked: parameters, arrays field by field, dictionaries in the order of their keys, trees and
losses by the state that they give away, LightGBM by its model text. Random generators are left out: what they did is
in what was fitted.
"""

from __future__ import annotations

import copyreg
import datetime as dt
import functools
import hashlib
import math
import struct
import types
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from penstock.errors import BundleError
from penstock.frozen import Frozen
from penstock.table import TableSchema

if TYPE_CHECKING:
    from penstock.steps.relations.lookup import Lookup

# Sentences for people: a better wording makes no other model.
TOLD = frozenset({"evidence", "why"})
# scikit-learn adds its version to the state of every estimator; the manifest's environment has it.
PASSING = frozenset({"_sklearn_version"})
_RANDOM = (np.random.RandomState, np.random.Generator, np.random.BitGenerator, np.random.SeedSequence)
_NAMED = (type, types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType, np.ufunc, types.ModuleType)


def content_digest(
    estimator: object,
    table_schema: TableSchema,
    plan: object,
    lookups: Mapping[str, Lookup],
    extra: object = None,
) -> str:
    """Return the sha256, in hex, of all that decides a model's answers.

    Parameters
    ----------
    estimator : object
        The fitted pipeline.
    table_schema : TableSchema
        The columns as the model reads them; its `evidence` is left out.
    plan : Plan or mapping
        The steps, and whatever else belongs to them; the `why` of a step is left out.
    lookups : mapping of str to Lookup
        The tables that travel with the model.
    extra : object
        What else makes it this model: the part of the spec that it was made by.

    Raises
    ------
    BundleError
        The state holds something that cannot be told apart by its content: an open file, a lock, a running generator.

    Examples
    --------
    >>> empty = TableSchema(columns=())
    >>> content_digest({"b": 1, "a": 2}, empty, {}, {}) == content_digest({"a": 2, "b": 1}, empty, {}, {})
    True
    """
    walk = _Walk()
    tables = {name: (lookup.record, lookup.table) for name, lookup in lookups.items()}
    if isinstance(plan, Mapping) and "steps" in plan:
        plan = {**plan, "steps": [{k: v for k, v in step.items() if k not in TOLD} for step in plan["steps"]]}
    parts = {"schema": table_schema, "plan": plan, "lookups": tables, "extra": extra, "estimator": estimator}
    for label, part in parts.items():
        walk.text(b"part", label)
        walk.feed(part)
    return walk.hexdigest()


def table_digest(table: pa.Table) -> str:
    """Return the sha256, in hex, of what a table says: columns, types and values, however they are cut into chunks.

    Examples
    --------
    >>> whole, cut = pa.table({"a": [1, 2]}), pa.table({"a": pa.chunked_array([[1], [2]])})
    >>> table_digest(whole) == table_digest(cut)
    True
    """
    return _inner(table)


class _Walk:
    """Feeds values to one sha256, each with its type and length, so that no two values give the same stream."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._open: list[int] = []

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def put(self, tag: bytes, data: bytes | memoryview = b"") -> None:
        self._hash.update(tag + b":" + str(len(data)).encode() + b":")
        self._hash.update(data)

    def text(self, tag: bytes, text: str) -> None:
        self.put(tag, text.encode("utf-8", "surrogatepass"))

    def feed(self, value: object) -> None:
        """Feed one value and all that it holds."""
        if self._scalar(value):
            return
        if id(value) in self._open:
            # An object inside itself: its distance to the top says which.
            self.text(b"cycle", str(len(self._open) - self._open.index(id(value))))
            return
        self._open.append(id(value))
        try:
            if not (self._container(value) or self._table(value)):
                self._object(value)
        finally:
            self._open.pop()

    def _scalar(self, value: object) -> bool:
        match value:
            case None:
                self.put(b"none")
            case Enum():
                self.text(b"enum", f"{_name(type(value))}.{value.name}")
            case bool() | np.bool_():
                self.put(b"bool", b"1" if value else b"0")
            case int():
                self.text(b"int", str(int(value)))
            case np.generic():
                self._array(np.asarray(value))
            case float():
                self.put(b"float", _float(value))
            case complex():
                self.put(b"complex", _float(value.real) + _float(value.imag))
            case str():
                self.text(b"str", value)
            case bytes() | bytearray():
                self.put(b"bytes", bytes(value))
            case dt.datetime() | dt.date() | dt.time():
                self.text(b"moment", value.isoformat())
            case _:
                return self._told_by_name(value)
        return True

    def _told_by_name(self, value: object) -> bool:
        if isinstance(value, _RANDOM):
            self.put(b"random")
        elif isinstance(value, dt.timedelta | Decimal | PurePath):
            self.text(_name(type(value)).encode(), str(value))
        elif isinstance(value, np.dtype):
            self.text(b"dtype", str(value.descr if value.fields else value.str))
        elif isinstance(value, types.ModuleType):
            self.text(b"module", value.__name__)
        elif isinstance(value, _NAMED):
            self.text(b"named", _name(value))
        else:
            return False
        return True

    def _container(self, value: object) -> bool:
        match value:
            case dict():
                self._mapping(value, _kind(value, dict))
            case tuple() if hasattr(value, "_fields"):
                self._sequence(value, _name(type(value)))
            case list() | tuple():
                self._sequence(value, "sequence")
            case set() | frozenset():
                self._sequence(sorted(_inner(v) for v in value), "set")
            case np.ndarray():
                self._array(value)
            case Frozen():
                told = {k: getattr(value, k) for k in type(value).model_fields if k not in TOLD}
                self._mapping(told, _name(type(value)))
            case _:
                return False
        return True

    def _sequence(self, values: Any, kind: str) -> None:
        self.text(b"sequence", kind)
        self.put(b"length", str(len(values)).encode())
        for value in values:
            self.feed(value)

    def _mapping(self, values: Mapping[Any, object], kind: str) -> None:
        self.text(b"mapping", kind)
        self.put(b"length", str(len(values)).encode())
        plain = all(type(k) is str for k in values)
        for key in sorted(values) if plain else sorted(values, key=_inner):
            self.feed(key)
            self.feed(values[key])

    def _array(self, array: np.ndarray[Any, Any]) -> None:
        self.text(b"array", str(array.shape))
        if array.dtype.names is not None:
            # Field by field: the bytes between the fields of a struct are whatever lay in memory.
            for name in array.dtype.names:
                self.text(b"field", name)
                self._array(array[name])
        elif array.dtype.kind == "O":
            for item in array.ravel().tolist():
                self.feed(item)
        else:
            array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
            if array.dtype.kind in "fc" and np.isnan(array).any():
                array = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
            self.text(b"dtype", array.dtype.str)
            self.put(b"data", array.tobytes())

    def _table(self, value: object) -> bool:
        match value:
            case pa.Table() | pa.RecordBatch():
                self._sequence(value.schema.names, "columns")
                for column in value.columns:
                    self.feed(column)
            case pa.ChunkedArray():
                # Two steps: how a column is cut into chunks is no part of what it says.
                self.feed(pa.concat_arrays(value.chunks) if value.num_chunks else pa.array([], value.type))
            case pa.Array():
                self._arrow(value)
            case pa.DataType():
                self.text(b"arrow type", str(value))
            case pd.DataFrame():
                self._sequence(
                    [value.columns, value.index, *(value.iloc[:, i] for i in range(value.shape[1]))], "frame"
                )
            case pd.Series():
                self._sequence([value.index, value.array], "series")
            case pd.RangeIndex():
                self.text(b"range", f"{value.start}:{value.stop}:{value.step}")
            case pd.Index():
                self._sequence([value.array], "index")
            case pd.api.extensions.ExtensionArray():
                self.feed(pa.array(value, from_pandas=True))
            case _:
                return False
        return True

    def _arrow(self, array: pa.Array) -> None:
        self.text(b"arrow", str(array.type))
        if pa.types.is_dictionary(array.type):
            self._arrow(array.dictionary_decode())
            return
        self._array(np.asarray(array.is_valid()))
        kind = array.type
        if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            array = array.cast(pa.string())
        if pa.types.is_string(array.type):
            # What lies under a null is whatever was there: only lengths and bytes of filled values count.
            filled = pc.fill_null(array, "")
            self._array(np.asarray(pc.binary_length(filled)))
            self.put(b"text", "".join(filled.to_pylist()).encode("utf-8", "surrogatepass"))
        elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
            self._array(np.asarray(pc.fill_null(array, 0)))
        elif pa.types.is_boolean(kind):
            self._array(np.asarray(pc.fill_null(array, False)))
        elif pa.types.is_timestamp(kind) or pa.types.is_date64(kind) or pa.types.is_time64(kind):
            self._array(np.asarray(pc.fill_null(array.cast(pa.int64()), 0)))
        else:
            self._sequence(array.to_pylist(), "values")

    def _object(self, value: Any) -> None:
        kind = type(value)
        self.text(b"object", _name(kind))
        if kind.__module__.startswith("lightgbm.") and hasattr(value, "model_to_string"):
            # -1: every iteration, not only those up to the best one.
            self.text(b"model", value.model_to_string(num_iteration=-1))
            return
        try:
            by_table = copyreg.dispatch_table.get(kind)
            reduced = by_table(value) if by_table else value.__reduce_ex__(4)
        except (TypeError, ValueError, AttributeError) as error:
            raise BundleError(
                f"A fitted model holds a {_name(kind)}, which cannot be sealed",
                got=str(error),
                todo="Leave it out of the estimator's state (define __getstate__), or use another estimator.",
            ) from error
        if isinstance(reduced, str):
            self.text(b"global", reduced)
            return
        build, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        # Items of list- and dict-like objects come as iterators.
        self.feed([build, arguments, _lasting(kind, state), list(items or ()), list(pairs or ())])


def _lasting(kind: type, state: object) -> object:
    """Leave out what is only remembered: versions, and values that a cached property computed on the way."""
    if not isinstance(state, dict):
        return state
    return {
        k: v
        for k, v in state.items()
        if k not in PASSING and not isinstance(getattr(kind, str(k), None), functools.cached_property)
    }


def _inner(value: object) -> str:
    walk = _Walk()
    walk.feed(value)
    return walk.hexdigest()


def _float(value: float) -> bytes:
    return struct.pack("<d", float("nan") if math.isnan(value) else value)


def _kind(value: object, plain: type) -> str:
    return "plain" if type(value) is plain else _name(type(value))


def _name(value: Any) -> str:
    module = getattr(value, "__module__", "") or ""
    return f"{module}.{getattr(value, '__qualname__', getattr(value, '__name__', ''))}"
