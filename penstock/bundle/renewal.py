"""Look-ups that were found to be as they are: the version stays, and its pointer says how late that was seen."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.bundle.carried import Carried
from penstock.bundle.layout import Pointer
from penstock.bundle.manifest import is_record


def records_in(files: Mapping[str, bytes]) -> dict[str, Carried]:
    """Return the records of look-ups among a version's files, by table."""
    found = [Carried.model_validate_json(data) for path, data in sorted(files.items()) if is_record(path)]
    return {record.name: record for record in found}


def renewed_by(records: Mapping[str, Carried], as_of: Mapping[str, str]) -> dict[str, Carried]:
    """Return records of the same tables, each as late as it was seen; what is told of other tables counts for none."""
    return {name: record.renewed(as_of[name]) if name in as_of else record for name, record in records.items()}


def renewed_pointer(pointer: Pointer, sealed: Mapping[str, Carried], found: Mapping[str, Carried]) -> Pointer | None:
    """Return the pointer that tells how late the look-ups of its version were seen; None where nothing is to be told.

    Parameters
    ----------
    pointer : Pointer
        What is live.
    sealed : mapping of str to Carried
        The records that were sealed with its version.
    found : mapping of str to Carried
        The same tables as they were collected now. Where one differs, nothing is told of it.
    """
    known = renewed_by(sealed, pointer.as_of)
    same = {n: r.as_of for n, r in found.items() if n in known and r.as_of and r.digest == known[n].digest}
    later = {name: as_of for name, as_of in same.items() if known[name].renewed(as_of) is not known[name]}
    if not later:
        return None
    return pointer.model_copy(update={"generation": pointer.generation + 1, "as_of": {**pointer.as_of, **later}})
