"""The coefficients of a model that was fitted to be read, as the dossier shows them."""

from __future__ import annotations

from penstock.report.explained import Part


class Coefficient(Part):
    """What one column adds to a linear score; a private one by its name alone."""

    name: str
    estimate: float | None = None
    error: float | None = None
    p: float | None = None
    low: float | None = None
    high: float | None = None


class Coefficients(Part):
    """The coefficients of a model that was fitted to be read."""

    kind: str = ""
    rows: tuple[Coefficient, ...] = ()
    diagnostics: dict[str, float | None] = {}
    notes: tuple[str, ...] = ()
