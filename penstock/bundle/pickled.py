"""The fitted models of a version as files: by joblib, or by skops where that is asked for and the model allows it.

A file of joblib runs what it says when it is opened; one of skops builds objects of classes that are allowed by name,
and refuses the rest. Either is opened only after its signature and its digest have been proven on the bytes at hand.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Container, Mapping
from typing import Any

from penstock.bundle.allowed import ALLOWED
from penstock.bundle.environment import differences, unpickled
from penstock.errors import BundleError, UserError
from penstock.table import TableSchema

_log = logging.getLogger("penstock.bundle")
SKOPS = ".skops"


def packed(models: Mapping[str, bytes], fmt: str, made_with: Mapping[str, object]) -> dict[str, bytes]:
    """Return the files of fitted models.

    Parameters
    ----------
    models : mapping of str to bytes
        What joblib wrote of each, by its file's name.
    fmt : {"joblib", "skops"}
        How they are to be written. All are written alike: where one of them cannot be, joblib it is for all.
    made_with : mapping
        The libraries that they were made with.

    Raises
    ------
    UserError
        The format is skops, which is not installed.
    """
    if fmt == "joblib":
        return dict(models)
    found: dict[str, bytes] = {}
    for name, data in models.items():
        made = _as_skops(unpickled(data, made_with, name))
        if isinstance(made, str):
            _log.warning("The model is written by joblib, for skops cannot hold it: %s", made)
            return dict(models)
        found[_renamed(name)] = made
    return found


def spellings(name: str) -> tuple[str, str]:
    """Return the names that a fitted model's file may have."""
    return name, _renamed(name)


def named(files: Container[str], name: str) -> str:
    """Return the name of a fitted model's file among others, however it was written."""
    return _renamed(name) if _renamed(name) in files else name


def opened(files: Mapping[str, bytes], name: str, made_with: Mapping[str, object], where: str) -> object:
    """Return a fitted model from its file, whose bytes have been proven.

    Raises
    ------
    BundleError
        It does not open here, or holds what is not allowed.
    UserError
        It was written by skops, which is not installed.
    KeyError
        There is no such file.
    """
    if named(files, name) == name:
        return unpickled(files[name], made_with, where)
    skops = _skops()
    try:
        return skops.loads(files[_renamed(name)], trusted=sorted(ALLOWED))
    except MemoryError:
        raise
    except Exception as error:
        raise BundleError(
            "The model cannot be opened with the libraries that are here",
            where=where,
            got="; ".join(differences(made_with)) or f"{type(error).__name__}: {error}"[:500],
            todo="Install the versions that its manifest names, or train it again with those that are here.",
        ) from error


def as_joblib(files: Mapping[str, bytes], name: str, made_with: Mapping[str, object], where: str) -> bytes:
    """Return a fitted model as joblib writes it, however its file, whose bytes have been proven, was written.

    Raises
    ------
    BundleError, UserError, KeyError
        As `opened` raises them.
    """
    if name in files:
        return files[name]
    import joblib

    sink = io.BytesIO()
    joblib.dump(opened(files, name, made_with, where), sink)
    return sink.getvalue()


def _renamed(name: str) -> str:
    return f"{name.partition('.')[0]}{SKOPS}"


def _as_skops(estimator: object) -> bytes | str:
    """Return the file of skops, or why there can be none."""
    skops = _skops()
    try:
        data: bytes = skops.dumps(estimator)
        again = skops.loads(data, trusted=sorted(ALLOWED))
    # It refuses by many kinds of error what it cannot write, read or trust.
    except Exception as error:
        return " ".join(f"{type(error).__name__}: {error}".split())[:300]
    if _content(estimator) != _content(again):
        return "it is another model when it is read again"
    return data


def _content(estimator: object) -> str:
    # What nobody needs to serve by a kernel is loaded where it is needed.
    from penstock.bundle.canonical import content_digest

    return content_digest(estimator, TableSchema(columns=()), {}, {})


def _skops() -> Any:  # untyped
    try:
        import skops.io
    except ImportError as error:
        raise UserError("skops is not installed", todo="pip install 'penstock[skops]'") from error
    return skops.io
