"""Where the files of a source lie: from paths, patterns, directories and addresses to files in order."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.errors import SourceError
from penstock.sources.kinds import WEB, scheme_of
from penstock.sources.places.access import Access
from penstock.sources.places.local import LocalPlace, check_file, local_places, shown_local
from penstock.sources.places.patterns import apart
from penstock.sources.places.place import Place, unreadable
from penstock.sources.places.remote import WebPlace, remote_places, shown_web, web_place
from penstock.sources.places.systems import System, reaches_through, shown_remote

__all__ = ["LocalPlace", "Place", "check_file", "places", "shown", "unreadable"]


def places(paths: Sequence[str], access: Access, suffixes: tuple[str, ...]) -> tuple[Place, ...]:
    """Return where the files of a source lie, in order.

    Parameters
    ----------
    paths : sequence of str
        Paths, patterns, directories and addresses.
    access : Access
        How remote ones are reached.
    suffixes : tuple of str
        What the files of a directory have to end with to be taken.

    Raises
    ------
    SourceError
        There is no such file, a pattern matches nothing, or a file is named twice.
    SourceUnavailable
        A remote place did not answer.
    """
    systems: dict[str, System] = {}
    found = [place for path in paths for place in _places(path, access, suffixes, systems)]
    _name_apart(found)
    return tuple(found)


def shown(path: str) -> str:
    """Return the address of a path, with no secret in it.

    Examples
    --------
    >>> shown("sftp://me:pw@host/rows/*.csv"), shown("/rows/*.csv")
    ('sftp://host/rows/*.csv', 'file:///rows/*.csv')
    """
    scheme = scheme_of(path)
    if not scheme and "://" in path:
        return f"{path.partition('://')[0]}://…"
    if scheme in ("", "file"):
        return shown_local(path)
    return shown_web(path) if scheme in WEB else shown_remote(path)


def _places(path: str, access: Access, suffixes: tuple[str, ...], systems: dict[str, System]) -> list[Place]:
    scheme = scheme_of(path)
    if not scheme and "://" in path:
        raise reaches_through(path)
    if scheme in ("", "file"):
        return local_places(path, suffixes)
    return [web_place(path, access)] if scheme in WEB else remote_places(path, access, suffixes, systems)


def _name_apart(found: Sequence[Place]) -> None:
    """Give each place the shortest name that no other has.

    Raises
    ------
    SourceError
        One file is named twice: its rows would stand twice in the table.
    """
    seen_at: set[str] = set()
    for place in found:
        # Web addresses may differ in what is not shown; those are told apart by number.
        at = place.url if isinstance(place, WebPlace) else place.uri
        if at in seen_at:
            raise SourceError(
                "A file is named twice",
                where=place.uri,
                todo="Name each file once; patterns and directories must not overlap.",
            )
        seen_at.add(at)
    names = apart([place.segments for place in found], [place.depth for place in found])
    seen: dict[str, int] = {}
    for place, name in zip(found, names, strict=True):
        seen[name] = seen.get(name, 0) + 1
        place.name = name if seen[name] == 1 else f"{name}#{seen[name]}"
