"""Secrets that a spec names: Prefect keeps them, and is imported for nothing else."""

from __future__ import annotations

from penstock.errors import SpecError


def stored_secret(name: str) -> str:
    """Return what `${secret:NAME}` stands for.

    Raises
    ------
    SpecError
        Prefect is not installed, or has no such secret.
    """
    try:
        from tasks.secrets import prefect_secret
    except ModuleNotFoundError:
        raise SpecError(
            f"The secret {name!r} is kept by Prefect, which is not installed",
            todo="pip install 'penstock[flows]', or use ${env:NAME}.",
        ) from None
    return prefect_secret(name)
