"""Patterns of paths and addresses, and what the files that they match are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import PurePosixPath

from penstock.errors import SourceError
from penstock.sources.kinds import PACKED

_MAGIC = re.compile(r"[*?\[]")
_DRIVE = re.compile(r"^[A-Za-z]:")


def has_magic(path: str) -> bool:
    """Tell whether a path is a pattern.

    Examples
    --------
    >>> has_magic("rows/*.csv"), has_magic("rows/a.csv")
    (True, False)
    """
    return bool(_MAGIC.search(path))


def fixed_part(pattern: str) -> str:
    """Return the directory of a pattern that holds all that it can match.

    Examples
    --------
    >>> fixed_part("/rows/2020/*/x?.csv"), fixed_part("*.csv")
    ('/rows/2020', '')
    """
    kept: list[str] = []
    for part in pattern.split("/")[:-1]:
        if has_magic(part):
            break
        kept.append(part)
    return "/".join(kept)


def wanted(name: str, suffixes: Sequence[str]) -> bool:
    """Tell whether a file is of a kind, as it is or compressed.

    Examples
    --------
    >>> wanted("A.CSV.gz", (".csv",)), wanted("notes.pdf", (".csv",)), wanted("anything", ())
    (True, False, True)
    """
    if not suffixes:
        return True
    name = name.lower()
    for packed in (*PACKED, ".zip"):
        name = name.removesuffix(packed)
    return name.endswith(tuple(suffixes))


def is_hidden(name: str) -> bool:
    """Tell whether a relative path is what tools leave beside data: a part of it begins with a dot or underscore.

    Examples
    --------
    >>> is_hidden("_delta_log/0.json"), is_hidden("a/.b.csv"), is_hidden("a/b_c.csv")
    (True, True, False)
    """
    return any(part.startswith((".", "_")) and part not in (".", "..") for part in name.split("/"))


def check_inside(name: str, where: str) -> None:
    """Check that a relative path stays below where it starts.

    Raises
    ------
    SourceError
        It climbs: by `..`, as an absolute path, or by a drive's letter.

    Examples
    --------
    >>> check_inside("2020/rows.csv", "rows.zip")
    >>> check_inside("../rows.csv", "rows.zip")
    Traceback (most recent call last):
    penstock.errors.SourceError: A path climbs out of its directory
      where:    rows.zip
      got:      '../rows.csv'
      expected: names below it
      do:       Don't use what holds such a name before you know who made it, and why.
    """
    path = name.replace("\\", "/")
    if path.startswith("/") or _DRIVE.match(path) or ".." in PurePosixPath(path).parts:
        raise SourceError(
            "A path climbs out of its directory",
            where=where,
            got=repr(name),
            expected="names below it",
            todo="Don't use what holds such a name before you know who made it, and why.",
        )


def near_names(name: str, names: Iterable[str]) -> str:
    """Return words that name what is like a name that is not there, or what is there at all.

    Examples
    --------
    >>> near_names("row.csv", ["rows.csv", "x.txt"]), near_names("zzz", ["b", "a"]), near_names("zzz", [])
    ("did you mean 'rows.csv'?", "one of what is there: 'a', 'b'", 'its directory is empty')
    """
    there = sorted(n for n in names if not n.startswith("."))
    near = get_close_matches(name, there, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    if not there:
        return "its directory is empty"
    more = f" and {len(there) - 5} more" if len(there) > 5 else ""
    return f"one of what is there: {', '.join(repr(n) for n in there[:5])}{more}"


def none_of_kind(where: str, names: Sequence[str], suffixes: Sequence[str]) -> SourceError:
    """Return the error for a directory without a file of a kind."""
    seen = sorted({PurePosixPath(n).suffix.lower() or "(no ending)" for n in names})
    return SourceError(
        "The directory has no file of this kind",
        where=where,
        got=f"{len(names)} files: {' '.join(seen[:8])}" if names else "no file",
        expected=f"files that end in {' '.join(suffixes)}" if suffixes else "at least one file",
        todo="Name another directory, or a pattern such as DIRECTORY/*.txt.",
    )


def apart(segments: Sequence[tuple[str, ...]], depths: Sequence[int]) -> list[str]:
    """Return short names by which paths can be told apart.

    Parameters
    ----------
    segments : sequence of tuple of str
        The parts of each path; no two are the same.
    depths : sequence of int
        How many of its last parts each is called by, unless another is called so too.

    Examples
    --------
    >>> apart([("x", "a", "1.csv"), ("x", "b", "1.csv"), ("x", "b", "2.csv")], [1, 1, 1])
    ['a/1.csv', 'b/1.csv', '2.csv']
    """
    depths = list(depths)
    while True:
        names = ["/".join(s[-d:]) for s, d in zip(segments, depths, strict=True)]
        seen: dict[str, list[int]] = {}
        for i, name in enumerate(names):
            seen.setdefault(name, []).append(i)
        longer = [i for same in seen.values() if len(same) > 1 for i in same if depths[i] < len(segments[i])]
        if not longer:
            return names
        for i in longer:
            depths[i] += 1
