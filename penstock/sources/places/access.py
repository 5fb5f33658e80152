"""How a place that is not this machine is reached, and how much may come from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field, SecretStr

from penstock.frozen import Frozen

GIB = 1 << 30
Option = SecretStr | bool | int | float


class Access(Frozen):
    """Settings of a remote place. Secrets come from `${env:NAME}`; they are in no receipt, log or message.

    `headers` and `params` go with every HTTP request; `bearer`, or `user` and `password`, authenticate it. `options`
    are the keys of the file system that fsspec opens (endpoint, region, account); a group of them, such as S3's
    `client_kwargs`, may stand below one key. `timeout` is how many seconds one request may stand still, `time_limit`
    how many a whole collection may take; between `tries` there are `backoff` seconds, doubled each time.
    """

    headers: dict[str, SecretStr] = {}
    params: dict[str, SecretStr] = {}
    bearer: SecretStr | None = None
    user: str | None = None
    password: SecretStr | None = None
    options: dict[str, Option | dict[str, Option]] = {}
    timeout: float = Field(default=30.0, gt=0)
    tries: int = Field(default=4, ge=1, le=20)
    max_bytes: int = Field(default=16 * GIB, gt=0)
    backoff: float = Field(default=0.5, ge=0, le=60)
    time_limit: float = Field(default=3600.0, gt=0)

    def opened_options(self) -> dict[str, Any]:  # what a file system takes is its own affair
        """Return the options with their secrets laid open, for the file system alone.

        Examples
        --------
        >>> access = Access(options={"key": "k1", "anon": False})
        >>> access.opened_options()
        {'key': 'k1', 'anon': False}
        >>> "k1" in repr(access)
        False
        """
        return _opened(self.options)

    def secrets(self) -> tuple[str, ...]:
        """Return every secret text, for taking it out of what others say."""
        given = (*self.headers.values(), *self.params.values(), self.bearer, self.password, *_leaves(self.options))
        return tuple(text for s in given if isinstance(s, SecretStr) and (text := s.get_secret_value()))


def _opened(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _opened(v) if isinstance(v, dict) else v.get_secret_value() if isinstance(v, SecretStr) else v
        for name, v in options.items()
    }


def _leaves(options: Mapping[str, Any]) -> Iterator[object]:
    for value in options.values():
        if isinstance(value, dict):
            yield from _leaves(value)
        else:
            yield value
