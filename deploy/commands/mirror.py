"""`penstock mirror`: models of a bucket on this machine's own disk, as they are published."""

from __future__ import annotations

import time
from pathlib import Path

from rich.markup import escape

from deploy.commands.console import err, out
from penstock.bundle.mirror import mirror as bring
from penstock.errors import EXIT_OK, PenstockError


def mirror(address: str, artifacts: Path, every: float | None) -> int:
    """Bring what is new; again and again where that is asked for, whatever fails in between."""
    while True:
        try:
            for name, pointer in bring(address, artifacts).items():
                out().print(f"{name}: version {pointer.version} (generation {pointer.generation}) is here.")
        except PenstockError as error:
            if every is None:
                raise
            err().print(escape(str(error)))
        if every is None:
            return EXIT_OK
        time.sleep(every)
