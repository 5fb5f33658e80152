"""Where a run can be looked at further: its report, and the model's page where a service is known."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import NamedTuple

# Whoever starts flows and knows of a service beside them names its address here.
SERVICE = "PENSTOCK_SERVICE"


class Link(NamedTuple):
    """An address, and what is there."""

    what: str
    title: str
    url: str
    told: str


def links_of(name: str, report: str | None, artifacts: str) -> list[Link]:
    """Return the links of a finished run.

    Parameters
    ----------
    name : str
        The model.
    report : str or None
        Where its report lies.
    artifacts : str
        Where the run published.
    """
    found = []
    if report is not None:
        path = Path(report).absolute()
        told = f"`{_inert(str(path))}`, on the machine where it ran: browsers open files from the disk alone."
        found.append(Link("report", "The whole report", path.as_uri(), told))
    if service := service_address():
        found.append(Link("service", f"Try {name}", f"{service}/models/{name}", "The model's page on the service."))
    elif found:
        # There is no address to link to before somebody starts it.
        start = _inert(f"penstock serve --artifacts {shlex.quote(artifacts)}")
        told = f"{found[0].told} No service is known here; start one: `{start}`"
        found[0] = found[0]._replace(told=told)
    return found


def service_address() -> str | None:
    """Return the address of the service beside this run, where one is known."""
    address = os.environ.get(SERVICE, "").rstrip("/")
    return address if address.startswith(("http://", "https://")) else None


def _inert(text: str) -> str:
    """Return a text that stays between two backticks."""
    return " ".join(text.replace("`", "'").split())
