"""A run's facts beside its report, so that the page can be made anew; the pictures' bytes stay in the store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from penstock.errors import NotFound, StoreError
from penstock.frozen import Frozen
from penstock.receipts import FileRef
from penstock.report.facts import DossierFacts
from penstock.store import Store, write_atomically

FACTS, REPORT = "facts.json", "report.html"
_PICTURES = ("figures", "evaluation")
WITHOUT_BYTES = {field: {"__all__": {"png"}} for field in _PICTURES}


class KeptFacts(Frozen):
    """A run's facts without the pictures' bytes, and where those lie, in the same order."""

    facts: dict[str, Any]  # a later release may know fields that this one does not
    figures: tuple[FileRef, ...]
    evaluation: tuple[FileRef, ...]


def keep_facts(folder: Path, facts: DossierFacts, figures: Sequence[FileRef], evaluation: Sequence[FileRef]) -> None:
    """Write a run's facts into its folder."""
    told = facts.model_dump(mode="json", exclude=WITHOUT_BYTES)
    kept = KeptFacts(facts=told, figures=tuple(figures), evaluation=tuple(evaluation))
    # Not canonical JSON, which sorts keys: a page shows some of them in the facts' own order.
    write_atomically(folder / FACTS, kept.model_dump_json().encode())


def read_facts(folder: Path, store: Store) -> DossierFacts:
    """Return the facts that a run's folder keeps, pictures included.

    Raises
    ------
    NotFound
        It keeps none, or they cannot be understood.
    StoreError
        A picture is gone from the store, or altered.
    """
    path = folder / FACTS
    try:
        kept = KeptFacts.model_validate_json(path.read_bytes())
        return with_pictures(kept.facts, kept.figures, kept.evaluation, store)
    except OSError as error:
        raise NotFound(
            "The run kept no facts to make its report from",
            where=str(folder),
            expected=FACTS,
            todo="Open the report as it was made, or run again with this release of penstock.",
        ) from error
    except ValidationError as error:
        raise NotFound(
            "The facts of the run cannot be understood",
            where=str(path),
            got=f"{error.error_count()} unknown or wrong fields",
            todo="Use the release of penstock that made the run, or a newer one.",
        ) from error
    except StoreError as error:
        raise StoreError(
            "A picture of the report is gone from the store",
            where=error.where,
            got=error.what,
            todo=f"Open the report as it was made ({folder / REPORT}), or run again: what is gone is made anew.",
        ) from error


def with_pictures(
    told: dict[str, Any], figures: Sequence[FileRef], evaluation: Sequence[FileRef], store: Store
) -> DossierFacts:
    """Return facts with the bytes of their pictures.

    Raises
    ------
    StoreError
        An object is gone or altered.
    """
    whole = dict(told)
    for field, refs in zip(_PICTURES, (figures, evaluation), strict=True):
        whole[field] = [
            {**picture, "png": store.read_bytes(ref)} for picture, ref in zip(told[field], refs, strict=True)
        ]
    return DossierFacts.model_validate(whole)
