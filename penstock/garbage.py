"""What of an artifacts directory nobody needs any more: found by marking from all that is kept, then swept.

Kept are the versions of every model, the runs and the stages' results (those younger than an age, where one is given),
and what sources remember. Objects that any of these names, or that an object so named names in turn, stay; and so does
every object that is young, or younger than the oldest process that is still writing here.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from penstock.errors import StoreError, UserError
from penstock.frozen import Frozen
from penstock.store.leases import oldest_lease, sweeping
from penstock.store.objects import YOUNG_SECONDS
from penstock.store.writing import writing

# What a run may take, from its first object to its last record; the age that a lease cannot vouch for.
GRACE_SECONDS = 86_400.0
RUNS, RESULTS, FITS, OBJECTS = "runs", ".results", "fits", "objects"
_named = re.compile(rb"objects/[0-9a-f]{2}/[0-9a-f]{64}\.[a-z0-9]{1,16}")


class Heap(Frozen):
    """Things of one kind that were swept, or would be: how many, and how many bytes they take."""

    what: str
    n: int
    size: int


class Swept(Frozen):
    """What a sweep removed, or would, by kind; and how many objects stay."""

    heaps: tuple[Heap, ...]
    n_kept: int
    dry: bool

    @property
    def size(self) -> int:
        """The bytes of all of it."""
        return sum(heap.size for heap in self.heaps)


def collect_garbage(
    artifacts: str | Path, older_than: float | None = None, *, dry: bool = False, grace: float = GRACE_SECONDS
) -> Swept:
    """Remove what nobody needs any more.

    Parameters
    ----------
    artifacts : str or pathlib.Path
        The artifacts directory.
    older_than : float, optional
        Seconds: runs and results that nobody has touched for so long are let go, too, unless a version that is there
        came of the run. By default all runs and results are kept.
    dry : bool
        Remove nothing; tell what would go.
    grace : float
        Seconds for which an object is safe though nothing names it; an hour at least.

    Returns
    -------
    Swept
        By kind: objects, runs, results, fits.

    Raises
    ------
    UserError
        The grace is too short.
    StoreError
        There is no such directory, or the disk refused.
    """
    root = Path(artifacts)
    if grace < YOUNG_SECONDS:
        raise UserError("The grace is too short", got=f"{grace:g} s", expected=f"at least {YOUNG_SECONDS:g} s")
    if not root.is_dir():
        raise StoreError("There is no artifacts directory here", where=str(root), todo="Name it with --artifacts DIR.")
    moment = time.time()
    # Who begins after this finds what it needs young, or makes it so.
    began = oldest_lease(str(root))
    safe_from = min(moment - grace, moment if began is None else began)
    cutoff = None if older_than is None else min(moment - older_than, safe_from)
    with writing(str(root)):
        runs, results, fits = _expired(root, cutoff)
        marked = _marked(root, {*runs, *results})
        everything = list(_objects(root))
        objects = [path for path in everything if _name(root, path) not in marked and _age(path) < safe_from]
        heaps = [_heap(*named) for named in (("runs", runs), ("results", results), ("fits", fits))]
        if dry:
            return Swept(heaps=(_heap("objects", objects), *heaps), n_kept=len(everything) - len(objects), dry=True)
        # Results go first: a result whose objects are gone is none, and would be made anew.
        for path in (*results, *fits, *runs):
            _remove(path)
        swept = _sweep(root, objects, safe_from)
    return Swept(heaps=(swept, *heaps), n_kept=len(everything) - swept.n, dry=False)


def _expired(root: Path, cutoff: float | None) -> tuple[list[Path], list[Path], list[Path]]:
    """Return the runs, results and fits that are let go."""
    if cutoff is None:
        return [], [], []
    live = {path.name.partition("-")[2] for path in root.glob("models/*/versions/*") if not path.name.startswith(".")}
    runs = [path for path in _listed(root / RUNS) if _age(path) < cutoff and not _digests_of(path) & live]
    results = [path for path in _listed(root / RESULTS) if _age(path) < cutoff]
    fits = [path for path in sorted((root / FITS).rglob("*")) if path.is_file() and _age(path) < cutoff]
    return runs, results, fits


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _digests_of(run: Path) -> set[str]:
    """Return the heads of the content digests that a run came to, as versions are named by them."""
    try:
        told = (run / "candidate" / "candidate.json").read_bytes()
    except OSError:
        return set()
    return {digest.decode() for digest in re.findall(rb'"content_digest":"([0-9a-f]{12})', told)}


def _marked(root: Path, gone: set[Path]) -> set[str]:
    """Return the names of the objects that what is kept names, and of those that they name."""
    waiting = [*_texts(root, gone)]
    marked: set[str] = set()
    while waiting:
        for found in _named.findall(waiting.pop()):
            name = found.decode()
            if name not in marked:
                marked.add(name)
                # Only objects of text name others.
                waiting += _read(root / name) if name.endswith(".json") else []
    return marked


def _texts(root: Path, gone: set[Path]) -> Iterator[bytes]:
    """Yield all that may name an object: what versions, runs, results and sources have written down."""
    for folder in (root / "models", *_listed(root / RUNS), *_listed(root / RESULTS)):
        if folder not in gone:
            for path in sorted(folder.rglob("*.json")) if folder.is_dir() else [folder]:
                yield from _read(path)
    for path in sorted((root / "collected").glob("*.json")):
        yield from _read(path)


def _read(path: Path) -> list[bytes]:
    try:
        return [path.read_bytes()]
    except (FileNotFoundError, IsADirectoryError):
        # It went in between: with it went its need.
        return []


def _objects(root: Path) -> Iterator[Path]:
    return (path for path in sorted((root / OBJECTS).glob("??/*")) if path.is_file())


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _age(path: Path) -> float:
    """Return when something was last touched, in seconds since 1970; for ever from now where it is gone."""
    with contextlib.suppress(FileNotFoundError):
        times = [path.stat().st_mtime]
        if path.is_dir():
            times += [found.stat().st_mtime for found in path.rglob("*")]
        return max(times)
    return float("inf")


def _heap(what: str, paths: Iterable[Path]) -> Heap:
    sizes = [_size(path) for path in paths]
    return Heap(what=what, n=len(sizes), size=sum(sizes))


def _size(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        files = (found for found in path.rglob("*") if found.is_file()) if path.is_dir() else (path,)
        return sum(file.stat().st_size for file in files)
    return 0


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sweep(root: Path, objects: Iterable[Path], safe_from: float) -> Heap:
    """Remove objects, each unless somebody has taken it up by now."""
    n = size = 0
    for path in objects:
        with sweeping(str(root), alone=True):
            if _age(path) < safe_from:
                size += _size(path)
                path.unlink()
                n += 1
    return Heap(what="objects", n=n, size=size)
