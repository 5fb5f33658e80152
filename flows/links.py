"""Where a run can be looked at further: its report, and the model's page where a service is known."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import NamedTuple

from penstock.summary import RunSummary

# Whoever starts flows and knows of a service beside them names its address here.
SERVICE = "PENSTOCK_SERVICE"


class Link(NamedTuple):
    """An address, and what is there."""

    what: str
    title: str
    url: str
    told: str


def links_of(summary: RunSummary, artifacts: str) -> list[Link]:
    """Return the links of a finished run.

    Parameters
    ----------
    summary : RunSummary
        What the run came to.
    artifacts : str
        Where it published.
    """
    found = []
    service = service_address()
    page = f"{service}/models/{summary.name}"
    if summary.report is not None:
        path = Path(summary.report).absolute()
        place = f"`{_inert(str(path))}` on the machine where it ran"
        if service and summary.published:
            found.append(Link("report", "The whole report", f"{page}/report", f"The same lies at {place}."))
        else:
            start = "penstock serve" + ("" if artifacts == "artifacts" else f" --artifacts {shlex.quote(artifacts)}")
            # There is no address to link to before somebody starts it, and browsers open files from the disk alone.
            told = f"{place}." + ("" if service else f" To try the model: `{_inert(start)}`.")
            found.append(Link("report", "The whole report", path.as_uri(), told))
    if service:
        found.append(Link("service", "The model's page", page, "A form to try it, its scores, its versions."))
    return found


def service_address() -> str | None:
    """Return the address of the service beside this run, where one is known."""
    address = os.environ.get(SERVICE, "").rstrip("/")
    return address if address.startswith(("http://", "https://")) else None


def _inert(text: str) -> str:
    """Return a text that stays between two backticks."""
    return " ".join(text.replace("`", "'").split())
