"""How much memory models take, and which of them give way to another."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from penstock.bundle.manifest import CARD, ESTIMATOR, KERNEL, REPORT, TWIN, Manifest
from penstock.bundle.pickled import spellings
from penstock.errors import BundleError

# Arrays take about what they take on disk, the objects around them as much again, and while a bundle is opened its
# bytes lie beside both.
TIMES = 3
# Schema, profile and plan as objects, whatever the size of the model.
BASE = 1 << 18
# The rest is for the interpreter, its libraries and the requests.
SHARE = 0.6
_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
# They stay on the disk.
_UNREAD = frozenset({*spellings(TWIN), REPORT, CARD})


def need(manifest: Manifest) -> int:
    """Return the bytes of memory that a version takes, estimated from the sizes that were signed."""
    files = manifest.files
    # Where a kernel answers, the fitted pipeline is opened for those alone who ask for it.
    unread = _UNREAD | set(spellings(ESTIMATOR)) if KERNEL in files else _UNREAD
    return BASE + TIMES * sum(entry.size for path, entry in files.items() if path not in unread)


def limit(mebibytes: float | None) -> int:
    """Return the bytes that the models of one process may take: those that are set, else a share of what there is."""
    if mebibytes is not None:
        return int(mebibytes * (1 << 20))
    there_is = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in _CGROUPS:
        with suppress(OSError, ValueError):
            there_is = min(there_is, int(Path(path).read_text()))
    return int(SHARE * there_is)


def leaving(needed: int, most: int, kept: int, others: Mapping[str, tuple[float, int]]) -> list[str]:
    """Return which models have to go before another one can come.

    Parameters
    ----------
    needed : int
        Bytes that the new one takes.
    most : int
        Bytes that all may take.
    kept : int
        Bytes that cannot be given up: the version that answers until the new one does.
    others : mapping of str to (float, int)
        When each of the others was last asked, and its bytes.

    Returns
    -------
    list of str
        Those asked longest ago, no more than have to.

    Raises
    ------
    BundleError
        There would not be room enough if all of them went.

    Examples
    --------
    >>> leaving(40, 100, 30, {"a": (2.0, 20), "b": (1.0, 20), "c": (3.0, 20)})
    ['b', 'a']
    """
    if needed + kept > most:
        raise BundleError(
            "The version takes more memory than models may",
            got=f"about {_told(needed)}" + (f", beside {_told(kept)} of the version that it replaces" if kept else ""),
            expected=f"{_told(most)} at most",
            todo="Give the service more memory (PENSTOCK_MEMORY_MIB), or train a smaller model.",
        )
    gone: list[str] = []
    taken = needed + kept + sum(size for _, size in others.values())
    for name in sorted(others, key=lambda other: others[other][0]):
        if taken <= most:
            break
        gone.append(name)
        taken -= others[name][1]
    return gone


def _told(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB"
