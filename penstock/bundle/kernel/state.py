"""Fitted state as data: records of this library, containers, texts, numbers and arrays; nothing that runs when read.

A record is written as its class and its fields. Only dataclasses and frozen models that this library defines are
records, so what is read back can be no other code than that which is here.
"""

from __future__ import annotations

import dataclasses
import io
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from penstock.bundle.kernel.npz import arrays_in
from penstock.errors import BundleError
from penstock.frozen import Frozen

# Where records may be defined.
ROOMS = ("penstock.steps.", "penstock.models.encoding.", "penstock.table", "penstock.expressions.")
_MARK = "~"
_PLAIN = (str, bool, int, float, type(None))
# Of these numbers alone is an array for which a list of texts would be larger.
_KINDS = "fiubM"


class NotPlain(ValueError):
    """Some state is no data. The message says what it is, in words."""


def written(state: object) -> tuple[bytes, bytes]:
    """Return state as JSON, and the arrays that it names as an npz file without objects.

    Raises
    ------
    NotPlain
        It holds something that is no data: an object of another library, code of the user's.

    Examples
    --------
    >>> read(*written({"levels": ("a", "b"), "low": np.array([0.5])}))
    {'levels': ('a', 'b'), 'low': array([0.5])}
    """
    arrays: dict[str, np.ndarray] = {}
    told = _told(state, arrays)
    sink = io.BytesIO()
    np.savez(sink, allow_pickle=False, **arrays)
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"), sink.getvalue()


def read(text: bytes, arrays: bytes) -> Any:
    """Return the state that `written` wrote.

    Raises
    ------
    BundleError
        It names a record that this release does not have.
    """
    return _made(json.loads(text.decode("utf-8", "surrogatepass")), arrays_in(arrays))


def _told(value: object, arrays: dict[str, np.ndarray]) -> Any:
    if type(value) in _PLAIN:
        return value
    writer = _WRITERS.get(type(value))
    if writer is not None:
        return writer(value, arrays)
    if isinstance(value, np.generic) and value.dtype.kind in "fiub":
        return value.item()
    if isinstance(value, Frozen):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = _fields(value)
    else:
        raise NotPlain(f"a {type(value).__module__.partition('.')[0]} {type(value).__name__}")
    return {_MARK: _name(type(value)), **{k: _told(v, arrays) for k, v in fields.items()}}


def _listed(value: Any, arrays: dict[str, np.ndarray]) -> list[Any]:
    return [_told(item, arrays) for item in value]


def _mapping(value: Mapping[Any, object], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    if all(type(key) is str for key in value) and _MARK not in value:
        return {key: _told(item, arrays) for key, item in value.items()}
    return {_MARK: "pairs", "of": [[_told(k, arrays), _told(v, arrays)] for k, v in value.items()]}


def _array(value: np.ndarray, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    if value.dtype.kind in _KINDS:
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {_MARK: "array", "named": name}
    if value.dtype.kind in "OU":
        return {_MARK: "objects", "shape": list(value.shape), "of": _listed(value.ravel().tolist(), arrays)}
    raise NotPlain(f"an array of {value.dtype}")


_WRITERS: dict[type, Callable[[Any, dict[str, np.ndarray]], Any]] = {
    list: _listed,
    tuple: lambda value, arrays: {_MARK: "tuple", "of": _listed(value, arrays)},
    # In a set's own order the same state would be other bytes in another process.
    frozenset: lambda value, arrays: {_MARK: "set", "of": _listed(sorted(value, key=repr), arrays)},
    dict: _mapping,
    np.ndarray: _array,
}


def _fields(value: Any) -> dict[str, object]:
    """Return what a dataclass is made of; of what it does not keep when it is sealed, nothing."""
    state = value.__getstate__()
    kept = state if isinstance(state, dict) else {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    return {f.name: kept[f.name] for f in dataclasses.fields(value) if f.init and f.name in kept}


def _name(kind: type) -> str:
    if not kind.__module__.startswith(ROOMS) or "." in kind.__qualname__:
        raise NotPlain(f"a {kind.__module__.partition('.')[0]} {kind.__name__}")
    return f"{kind.__module__}:{kind.__qualname__}"


def _made(told: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(told, list):
        return [_made(item, arrays) for item in told]
    if not isinstance(told, dict):
        return told
    mark = told.get(_MARK)
    if mark is None:
        return {key: _made(item, arrays) for key, item in told.items()}
    container = _CONTAINERS.get(mark)
    if container is not None:
        return container(told, arrays)
    return _record(str(mark))(**{key: _made(item, arrays) for key, item in told.items() if key != _MARK})


def _objects(told: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    flat = np.empty(len(told["of"]), dtype=object)
    flat[:] = [_made(item, arrays) for item in told["of"]]
    return flat.reshape(told["shape"])


_CONTAINERS: dict[str, Callable[[dict[str, Any], Mapping[str, np.ndarray]], Any]] = {
    "tuple": lambda told, arrays: tuple(_made(item, arrays) for item in told["of"]),
    "set": lambda told, arrays: frozenset(_made(item, arrays) for item in told["of"]),
    "pairs": lambda told, arrays: {_made(k, arrays): _made(v, arrays) for k, v in told["of"]},
    "array": lambda told, arrays: arrays[told["named"]],
    "objects": _objects,
}


def _record(name: str) -> Any:
    room, _, kind = name.partition(":")
    # Whatever a plan or an encoding may hold is there once these are: nothing is imported by a name out of a file.
    found = getattr(sys.modules.get(room), kind, None) if room.startswith(ROOMS) else None
    if not isinstance(found, type) or not (dataclasses.is_dataclass(found) or issubclass(found, Frozen)):
        raise BundleError(
            "The kernel names a record that this release does not have",
            got=name[:80],
            todo="Use the release of penstock that wrote it, or publish the model again.",
        )
    return found
