"""Prefect's own server, with the one outward call that no setting turns off turned off.

Some pages of its UI make the server ask a registry on the internet which kinds of worker there are. Its own copy of the
answer, which it falls back to without a network, is used instead.
"""

from __future__ import annotations

import sys

from tasks.outward import keep_in


def main(arguments: list[str]) -> None:
    """Run `prefect server start` with some arguments, in this process."""
    keep_in()
    from prefect.cli import app
    from prefect.server.api import collections

    # No address at all: asking fails at once, before anything is sent.
    collections.KNOWN_VIEWS.update(dict.fromkeys(collections.KNOWN_VIEWS, ""))
    sys.argv = ["prefect", "server", "start", *arguments]
    app()


if __name__ == "__main__":
    main(sys.argv[1:])
