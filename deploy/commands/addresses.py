"""Addresses as they are typed and as they are written down: a password is in the first only."""

from __future__ import annotations

import os
from typing import NamedTuple

from penstock.sources.database.address import address_of, holds_secret
from penstock.sources.kinds import infer_kind
from penstock.sources.web.urls import secrets_in, shown_url


class Address(NamedTuple):
    """Where a source lies: as given, as a spec writes it, as a message shows it, and what there is to tell."""

    given: str
    written: str
    shown: str
    message: str = ""


def without_password(location: str) -> Address:
    """Return an address whose password, if it has one, went into the environment of this process.

    Examples
    --------
    >>> without_password("rows.csv").written
    'rows.csv'
    """
    shown = _shown(location)
    if shown is None:
        return Address(location, location, location)
    variable = _free("DATABASE_URL" if infer_kind(location) == "sql" else "SOURCE_URL", location)
    os.environ[variable] = location
    message = (
        f"the password in {shown} is not written down: the spec says ${{env:{variable}}}. "
        f"For later runs: export {variable}=…"
    )
    return Address(location, f"${{env:{variable}}}", shown, message)


def _shown(location: str) -> str | None:
    """Return an address without the secrets in it, or None where there are none."""
    if "://" not in location:
        return None
    if infer_kind(location) == "sql":
        return address_of(location).shown if holds_secret(location) else None
    return shown_url(location) if secrets_in(location) else None


def _free(base: str, location: str) -> str:
    """Return the first variable of that name that is not set, or is set to just that."""
    number = 1
    while True:
        name = base if number == 1 else f"{base}_{number}"
        if os.environ.get(name, location) == location:
            return name
        number += 1
