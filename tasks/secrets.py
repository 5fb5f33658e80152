"""Secrets of a spec, out of Prefect's Secret blocks."""

from __future__ import annotations

from penstock.errors import SpecError


def prefect_secret(name: str) -> str:
    """Return the value of a Secret block.

    Raises
    ------
    SpecError
        Prefect has no such block, or its server does not answer.
    """
    from prefect.blocks.system import Secret

    try:
        value = Secret.load(name).get()  # type: ignore[union-attr]  # loaded by a synchronous caller
    except Exception as error:
        # What went wrong may hold the address of a server, and never the secret.
        raise SpecError(
            f"Prefect has no secret {name!r}",
            got=type(error).__name__,
            expected="a Secret block of that name",
            todo=f"Make one in Prefect's UI (Blocks, Secret, {name!r}), or use ${{env:NAME}}.",
        ) from None
    return value if isinstance(value, str) else str(value)
