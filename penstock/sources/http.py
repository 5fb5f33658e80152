"""HTTP APIs: one answer or many pages of them, as one table."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self

import pyarrow as pa
from pydantic import AfterValidator, Field, JsonValue, PlainSerializer, model_validator

from penstock.errors import NoRows, SourceError
from penstock.receipts import FrameRef, Part, Snapshot
from penstock.sources.base import SourceBase
from penstock.sources.columns import Alignment
from penstock.sources.intake import Intake
from penstock.sources.places.access import Access
from penstock.sources.records.flattening import Flatten
from penstock.sources.web.answers import Body, Format, Reading, document_of, format_of, n_rows_of, tables_in
from penstock.sources.web.paging import Page, PageNumber, Paginate, Scalar, Step
from penstock.sources.web.urls import MASK, check_url, is_secret, shown_url, with_params
from penstock.sources.web.watermark import HttpWatermark, highest, marks_of, newest, texts_of
from penstock.spool import Spool
from penstock.store import Store

if TYPE_CHECKING:
    from penstock.sources.web.client import Answer, Client

_log = logging.getLogger("penstock")


def _checked(url: str) -> str:
    try:
        check_url(url)
    except SourceError as error:
        raise ValueError(f"{error.what}; expected {error.expected}") from None
    return url


# What of an address may be a secret is shown nowhere; it is no reason to hide the rest.
def _shown(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _shown(k, v) for k, v in value.items()}
    if isinstance(value, list):
        return [_shown(name, v) for v in value]
    return MASK if isinstance(value, str) and is_secret(name, value) else value


# A token that was written among the plain parameters is a secret all the same.
_masked = PlainSerializer(lambda given: None if given is None else _shown("", given))
Url = Annotated[str, AfterValidator(_checked), PlainSerializer(shown_url, return_type=str), Field(repr=False)]


class _Came(NamedTuple):
    """One page that came: its body as a part, and what leads to the next."""

    part: Part
    answer: Answer
    n_rows: int
    document: Any


class HttpSource(SourceBase):
    """An HTTP API: `method` (GET or POST) of `url` with `params`, and with a JSON `body` for POST.

    `access` holds the credentials and the limits of time, size and tries. `format` tells what the bodies are, if their
    `Content-Type` does not; `records` is the path to the records in JSON, `rows` the XPath of the rows in XML.
    `paginate` tells how pages are handed out, of which at most `max_pages` are fetched. With a `watermark` later runs
    ask only for what is new. What pages and the watermark add to a request goes into the `body` if there is one.
    """

    kind: Literal["http"] = "http"
    url: Url
    method: Literal["GET", "POST"] = "GET"
    params: Annotated[dict[str, Scalar], _masked, Field(repr=False)] = {}
    body: Annotated[dict[str, JsonValue] | None, _masked, Field(repr=False)] = None
    access: Access = Access()
    format: Literal["auto", "json", "jsonl", "csv", "xml"] = "auto"
    records: str | None = None
    rows: str | None = None
    flatten: Flatten = Flatten()
    paginate: Paginate | None = None
    max_pages: int = Field(default=1000, ge=1)
    watermark: HttpWatermark | None = None

    @model_validator(mode="after")
    def _a_body_is_posted(self) -> Self:
        if self.body is not None and self.method == "GET":
            raise ValueError("a `body` needs `method: POST`")
        return self

    @property
    def uri(self) -> str:
        """The address with its plain parameters, and no secret."""
        return shown_url(self._home())

    def state(self) -> str | None:
        """Return what a HEAD request tells, for a single answer to GET; None for all else."""
        from penstock.sources.web.download import head_state

        return head_state(self._address(Step()), self.access) if self._is_single() else None

    def collect(self, store: Store, earlier: Snapshot | None = None) -> Snapshot:
        """Fetch the pages, keep each as it came, and put their rows together.

        Raises
        ------
        SourceError
            The server refuses, pages don't come to an end, or what comes is not what was expected.
        SourceUnavailable
            The server did not answer in any try.
        """
        intake = Intake(self.max_quarantined)
        known = earlier if self.watermark is not None or self._is_single() else None
        with self._talking(store) as (client, folder):
            came = list(self._pages(client, folder, store, known))
            origin = _origin(came, client)
        if self.watermark is not None and known is not None:
            n_known = len(known.parts)
            new = [c.part for c in came if c.n_rows]
            parts = (
                *known.parts,
                *(p.model_copy(update={"name": f"page {n_known + i}"}) for i, p in enumerate(new, 1)),
            )
        else:
            # The page that only says that there are no more is none.
            parts = tuple(c.part for c in came if c.n_rows)
        if not parts:
            raise NoRows("The source has no rows", where=self.uri, expected="at least one row")
        table = self._table(parts, store, intake)
        mark = None
        if self.watermark is not None:
            table, mark = self._marked(table, known, store, intake)
        return self.taken(parts, table, intake, store, origin=origin, watermark=mark)

    def peek(self, store: Store) -> pa.Table:
        """Return the rows of the first page."""
        with self._talking(store) as (client, folder):
            first = next(self._pages(client, folder, store, None))
        return store.read_table(self._table((first.part,), store, Intake(1.0)))

    @contextmanager
    def _talking(self, store: Store) -> Iterator[tuple[Client, Path]]:
        from penstock.sources.web.client import Client

        with (
            TemporaryDirectory(prefix="penstock-", dir=store.scratch()) as folder,
            Client(self.access, self._home()) as client,
        ):
            yield client, Path(folder)

    def _home(self) -> str:
        return with_params(self.url, {k: _text(v) for k, v in self.params.items()})

    def _is_single(self) -> bool:
        return self.method == "GET" and self.paginate is None and self.watermark is None

    def _reading(self) -> Reading:
        return Reading(self.format, self.records, self.rows, self.flatten)

    def _pages(self, client: Client, folder: Path, store: Store, known: Snapshot | None) -> Iterator[_Came]:
        """Fetch one page after another, as far as they go."""
        step = self.paginate.first() if self.paginate else Step()
        steps, digests = {_form(step)}, set[str]()
        n_bytes = n_all = n_first = 0
        for n in range(1, self.max_pages + 1):
            came = self._page(client, folder, store, step, n, self.access.max_bytes - n_bytes, known)
            if came is None:
                return
            n_bytes += came.part.file.size
            n_all += came.n_rows
            n_first = n_first if n > 1 else came.n_rows
            if came.n_rows and came.part.file.digest in digests:
                raise self._going_round(n, "the same page came again")
            digests.add(came.part.file.digest)
            yield came
            if self.paginate is None:
                return
            _log.info("%s: page %d, %d rows", self.uri, n, came.n_rows)
            page = Page(n, came.n_rows, n_first, n_all, came.document, came.answer.headers, came.answer.url)
            following = self.paginate.following(page)
            if following is None:
                return
            step = following
            if _form(step) in steps:
                raise self._going_round(n, "the next page would be one that came before")
            steps.add(_form(step))
        raise SourceError(
            "The pages don't come to an end",
            where=self.uri,
            got=f"{self.max_pages:,} pages with {n_all:,} rows, and still more",
            expected=f"at most {self.max_pages:,} pages (max_pages)",
            todo="Check `paginate`, ask for larger pages, or raise `max_pages`.",
        )

    def _going_round(self, n: int, got: str) -> SourceError:
        return SourceError(
            "The pages go round in a circle",
            where=f"{self.uri}, page {n}",
            got=got,
            todo="Check `paginate`: the server may not know its parameter.",
        )

    def _page(
        self, client: Client, folder: Path, store: Store, step: Step, n: int, most: int, known: Snapshot | None
    ) -> _Came | None:
        from penstock.sources.web.download import conditions
        from penstock.sources.web.refusals import too_large

        where = self._called(n)
        if most <= 0:
            raise too_large(where, self.access.max_bytes)
        step = self._from_mark(step, known)
        last = known.parts[0] if known is not None and self._is_single() else None
        to = folder / "page"
        address = step.link or self._address(step)
        answer = client.request(
            address,
            to,
            method="GET" if step.link else self.method,
            content=None if step.link else self._content(step),
            headers={**self._headers(), **conditions(last)},
            most=most,
        )
        if answer.status == 404 and n > 1 and isinstance(self.paginate, PageNumber):
            # Many servers say so of the number after the last.
            return None
        client.checked(answer)
        if answer.status == 304:
            if last is None:
                raise SourceError("The server says `not modified` without having been asked", where=where)
            return _Came(last, answer, 1, None)
        body = Body(to, where, answer.media)
        kind = format_of(body, self.format)
        document = document_of(body) if kind == "json" else None
        counts = self.paginate is not None or self.watermark is not None
        n_rows = n_rows_of(body, kind, self._reading(), document) if counts else 1
        file = store.put_file(to, kind, body.media or "application/octet-stream")
        return _Came(
            Part(name=f"page {n}", file=file, etag=answer.etag, modified=answer.modified), answer, n_rows, document
        )

    def _from_mark(self, step: Step, known: Snapshot | None) -> Step:
        """Return a step that asks only for what is beyond the last mark; a link has that in it already."""
        if self.watermark is None or step.link:
            return step
        last: Scalar | None = self.watermark.initial
        if known is not None and known.watermark is not None:
            last = _number(known.watermark) if isinstance(last, int | float) else known.watermark
        return step if last is None else Step({self.watermark.param: last, **step.params})

    def _address(self, step: Step) -> str:
        added = {} if self.body is not None else {k: _text(v) for k, v in step.params.items()}
        return with_params(self._home(), added)

    def _content(self, step: Step) -> bytes | None:
        return None if self.body is None else json.dumps({**self.body, **step.params}).encode()

    def _headers(self) -> dict[str, str]:
        wanted = {"json": "application/json", "csv": "text/csv", "xml": "application/xml"}.get(self.format)
        sent = {"content-type": "application/json"} if self.body is not None else {}
        return {**sent, **({"accept": f"{wanted}, */*;q=0.1"} if wanted else {})}

    def _called(self, n: int) -> str:
        return f"{self.uri}, page {n}" if self.paginate or self.watermark else self.uri

    def _table(self, parts: tuple[Part, ...], store: Store, intake: Intake) -> FrameRef:
        align = Alignment()
        with TemporaryDirectory(prefix="penstock-", dir=store.scratch()) as folder, Spool(store) as spool:
            bodies = [
                Body(store.fetched(part.file, Path(folder)), self._called(n), part.file.media)
                for n, part in enumerate(parts, 1)
            ]
            kind: Format = format_of(bodies[0], self.format)
            for table in tables_in(bodies, kind, self._reading(), intake):
                spool.add(align(table, self.uri))
            if not spool.n_rows:
                raise NoRows("The source has no rows", where=self.uri, expected="at least one row")
            return spool.finish()

    def _marked(
        self, table: FrameRef, known: Snapshot | None, store: Store, intake: Intake
    ) -> tuple[FrameRef, str | None]:
        """Return the rows of which none is replaced by a newer one, and the highest mark."""
        assert self.watermark is not None
        rows = store.read_table(table)
        marks, texts = marks_of(rows, self.watermark, self.uri), texts_of(rows, self.watermark.column)
        if self.watermark.key:
            kept = newest(rows, marks, self.watermark.key)
            table = table if kept is rows else store.put_table(kept)
        elif known is not None and known.watermark is not None:
            again = sum(1 for text in texts[known.n_rows :] if text == known.watermark)
            if again:
                intake.remark(
                    f"{again} of the rows that were added have the last watermark, {known.watermark}: they may have "
                    "been there already; a `key` in `watermark` keeps the newest of each"
                )
        return table, highest(marks, texts)


def _origin(came: list[_Came], client: Client) -> dict[str, str]:
    """Return what the server told, of the first page."""
    if not came:
        return {}
    headers = came[0].answer.headers
    told = {name: headers[name] for name in ("etag", "last-modified", "date") if name in headers}
    return {
        "status": str(came[0].answer.status),
        "pages": str(len(came)),
        **{k: client.hide(v) for k, v in told.items()},
    }


def _form(step: Step) -> str:
    return hashlib.sha256(json.dumps([step.link, sorted(step.params.items())]).encode()).hexdigest()


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(text: str) -> Scalar:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text
