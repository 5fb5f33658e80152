"""Functions as Prefect's flows: their forms in the UI told, and no price paid where they are called by hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, get_type_hints

import httpx
from prefect.flows import Flow
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from pydantic.fields import FieldInfo

from penstock.errors import UserError

P = ParamSpec("P")
R = TypeVar("R")


class Called(Flow[P, R]):
    """A flow that pays for no heartbeat where it is called by hand.

    Heartbeats tell a server that a run of a deployment crashed. Whoever calls a flow sees that; the heartbeat's thread
    would only keep every run waiting for up to a second at its end. Runs of deployments don't pass here.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # as many overloads as Prefect has would say no more
        """Run the flow and return its result.

        Raises
        ------
        UserError
            The server that PREFECT_API_URL names does not answer.
        """
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            try:
                return super().__call__(*args, **kwargs)
            except httpx.ConnectError as error:
                raise UserError(
                    "Prefect's server does not answer",
                    where=str(PREFECT_API_URL.value()),
                    got=str(error),
                    todo="Start it (penstock up), or unset PREFECT_API_URL to run without one.",
                ) from error


def called(name: str, description: str) -> Callable[[Callable[P, R]], Called[P, R]]:
    """Return what makes a flow of a function, whose annotations describe its parameters."""

    def made(function: Callable[P, R]) -> Called[P, R]:
        # Prefect's form shows what a Google-style section says of a parameter, and drops descriptions in annotations.
        hints = get_type_hints(function, include_extras=True)
        told = [(key, part) for key, hint in hints.items() for part in getattr(hint, "__metadata__", ())]
        lines = [f"    {key}: {part.description}" for key, part in told if isinstance(part, FieldInfo)]
        function.__doc__ = "\n".join([inspect.getdoc(function) or "", "", "Args:", *lines])
        return Called(function, name=name, description=description)

    return made
