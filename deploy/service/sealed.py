"""The report of a version as this service shows it: in a sandbox, with no script but its own."""

from __future__ import annotations

import html
import re

# A report was made elsewhere: it may show pictures and colours, and reach nobody.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_meta = re.compile(rb'<meta http-equiv="Content-Security-Policy" content="([^"<>]{0,2000})">')
_hash = re.compile(r"'sha256-[A-Za-z0-9+/]{43}='")
_MOST_HASHES = 4
# What stands before this names no data.
_HEAD = (b"<title", b"<body", b"<script", b"<style")
_HEAD_BYTES = 4096


def report_policy(page: bytes) -> str:
    """Return the policy under which a report is shown.

    A report may run the scripts whose hashes its own policy lists, which stands before anything of the data; a script
    that came in with a value has another hash. It runs without an origin: it has no cookie or storage of this service,
    may ask it nothing, and can reach nobody else.

    Parameters
    ----------
    page : bytes
        The report, hashed against a signed manifest.

    Examples
    --------
    >>> report_policy(b"<!doctype html><title>r</title>").partition(";")[0]
    'sandbox'
    """
    hashes = _hashes(page)
    if not hashes:
        return f"sandbox; {_POLICY}"
    return f"sandbox allow-scripts; script-src {' '.join(hashes)}; {_POLICY}"


def _hashes(page: bytes) -> list[str]:
    head = page[:_HEAD_BYTES]
    ends = [at for mark in _HEAD if (at := head.lower().find(mark)) >= 0]
    found = _meta.search(head[: min(ends, default=len(head))])
    if found is None:
        return []
    for directive in html.unescape(found[1].decode("ascii", "replace")).split(";"):
        name, _, sources = directive.strip().partition(" ")
        if name == "script-src":
            return [source for source in sources.split() if _hash.fullmatch(source)][:_MOST_HASHES]
    return []
