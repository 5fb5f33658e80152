"""The one shape of every refusal: an RFC 9457 problem that names fields and rows, and never repeats a value.

References
----------
.. [1] M. Nottingham, E. Wilde, S. Dalal, "Problem Details for HTTP APIs", RFC 9457, 2023.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from penstock.errors import BundleError, NotFound, PenstockError, RequestError
from penstock.frozen import Frozen

MEDIA = "application/problem+json"
# A body of a thousand bad rows is answered with the first of them: enough to mend it, too few to fill a log.
MAX_FAULTS = 100
MAX_NAME = 120


class Fault(Frozen):
    """One thing that is wrong with a request: which field, in which row (from 0), and what would be right."""

    field: str | None = None
    row: int | None = None
    message: str
    expected: str | None = None


class Problem(Exception):
    """A refusal on its way to the caller.

    Parameters
    ----------
    status : int
        The HTTP status.
    slug : str
        The last word of the problem's type, for programs.
    detail : str
        One sentence for people. It holds no value of the request.
    errors : iterable of Fault, optional
        What is wrong, in the order of the request; at most `MAX_FAULTS` are kept.
    headers : mapping of str to str, optional
        Further headers, such as `Retry-After`.
    """

    def __init__(
        self,
        status: int,
        slug: str,
        detail: str,
        errors: Iterable[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(slug)
        self.status = status
        self.slug = slug
        self.detail = detail
        self.errors = tuple(errors)[:MAX_FAULTS]
        self.headers = dict(headers or {})

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the problem as a JSON object."""
        shown: dict[str, Any] = {
            "type": f"urn:penstock:problem:{self.slug}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
        }
        if self.errors:
            shown["errors"] = [fault.model_dump(exclude_none=True) for fault in self.errors]
        return shown

    def response(self, request_id: str) -> Response:
        """Return the problem as an answer."""
        content = orjson.dumps(self.body(request_id))
        return Response(content, status_code=self.status, media_type=MEDIA, headers=self.headers)


def shown_name(name: str) -> str:
    """Return a field's name, cut to a length that fits in a message.

    Examples
    --------
    >>> shown_name("tenure")
    'tenure'
    """
    return name if len(name) <= MAX_NAME else name[:MAX_NAME] + "…"


def not_ready(name: str | None = None) -> Problem:
    """Return the refusal of a caller who comes before any model is proven."""
    which = "No model" if name is None else f"Model {name!r}"
    return Problem(503, "not-ready", f"{which} is not ready to answer yet", headers={"Retry-After": "1"})


def unknown_model(known: Iterable[str]) -> Problem:
    """Return the refusal of a name that stands for no model; it lists those that are known."""
    names = ", ".join(sorted(known)) or "none"
    return Problem(404, "unknown-model", f"There is no model of this name; known: {names}")


def body_too_long(limit: int) -> Problem:
    """Return the refusal of a body that is longer than an address takes."""
    return Problem(413, "body-too-long", f"The body is longer than the {limit} bytes that this address takes")


def from_error(error: PenstockError) -> Problem:
    """Return an error of the library as a refusal.

    Only a `RequestError` is written for callers; what other errors say stays in the log.
    """
    if isinstance(error, RequestError):
        fault = Fault(field=error.where or None, message=error.what, expected=error.expected or None)
        return Problem(422, "row-refused", error.what, [fault])
    if isinstance(error, NotFound):
        # Its own sentence repeats what was asked for.
        return Problem(404, "not-found", "There is no such model or version")
    if isinstance(error, BundleError):
        return Problem(503, "not-ready", "The model cannot be used at the moment", headers={"Retry-After": "1"})
    return failure()


def failure() -> Problem:
    """Return the answer to a fault of our own."""
    return Problem(500, "failure", "The service failed to answer; its log has the reason under this request id")


def request_id_of(request: Request) -> str:
    """Return the id that the envelope gave to a request."""
    return str(request.scope.get("state", {}).get("request_id", ""))


async def on_problem(request: Request, error: Exception) -> Response:
    """Answer a `Problem`."""
    assert isinstance(error, Problem)
    return error.response(request_id_of(request))


async def on_library_error(request: Request, error: Exception) -> Response:
    """Answer an error of the library that a route let through."""
    assert isinstance(error, PenstockError)
    return from_error(error).response(request_id_of(request))


async def on_bad_parameter(request: Request, error: Exception) -> Response:
    """Answer a parameter of the address that cannot be read: the framework's own answer would repeat its value."""
    assert isinstance(error, RequestValidationError)
    faults = [Fault(field=str(told["loc"][-1]), message="The parameter cannot be read") for told in error.errors()]
    problem = Problem(422, "parameter-refused", "A parameter of the address cannot be read", faults[:MAX_FAULTS])
    return problem.response(request_id_of(request))


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer the framework's own refusals (404, 405 and the like) in the one shape."""
    assert isinstance(error, HTTPException)
    slug, detail = _FRAMEWORK.get(error.status_code, ("refused", HTTPStatus(error.status_code).phrase))
    return Problem(error.status_code, slug, detail, headers=error.headers).response(request_id_of(request))


_FRAMEWORK = {
    404: ("no-such-page", "There is nothing at this address; GET /docs lists what there is"),
    413: ("body-too-long", "The body is longer than this address takes"),
    405: ("method-not-allowed", "This address does not take this method; the Allow header lists those it takes"),
}
