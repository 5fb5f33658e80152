"""The names of encodings, as the spec gives them."""

from __future__ import annotations

import codecs
from typing import Annotated

from pydantic import AfterValidator


def _known(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError as error:
        raise ValueError(f"no encoding is known as {name!r}; such as utf-8, latin-1, cp1252, utf-16") from error
    return name


Encoding = Annotated[str, AfterValidator(_known)]
