"""Whether a caller would rather have a page or JSON."""

from __future__ import annotations


def wants_html(accept: str) -> bool:
    """Return whether an Accept header puts a page before JSON, as browsers' do.

    Examples
    --------
    >>> wants_html("text/html,application/xhtml+xml,*/*;q=0.8"), wants_html("*/*"), wants_html("application/json")
    (True, False, False)
    """
    html = _quality(accept, "text/html")
    return html > 0 and html >= _quality(accept, "application/json")


def _quality(accept: str, media: str) -> float:
    """Return the weight of a media type that the header names; wildcards do not ask for a page."""
    for part in accept.split(","):
        name, _, parameters = part.partition(";")
        if name.strip().lower() != media:
            continue
        for parameter in parameters.split(";"):
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                try:
                    return float(value)
                except ValueError:
                    return 0.0
        return 1.0
    return 0.0
