"""How a place that is not this machine is reached, and how much may come from it."""

from __future__ import annotations

from pydantic import Field, SecretStr

from penstock.frozen import Frozen

GIB = 1 << 30


class Access(Frozen):
    """Settings of a remote place. Secrets come from `${env:NAME}`; they are in no receipt, log or message.

    `headers` and `params` go with every HTTP request; `bearer`, or `user` and `password`, authenticate it. `options`
    are the keys of the file system that fsspec opens (endpoint, region, account).
    """

    headers: dict[str, SecretStr] = {}
    params: dict[str, SecretStr] = {}
    bearer: SecretStr | None = None
    user: str | None = None
    password: SecretStr | None = None
    options: dict[str, SecretStr | int | float | bool] = {}
    timeout: float = Field(default=30.0, gt=0)
    tries: int = Field(default=4, ge=1, le=20)
    max_bytes: int = Field(default=16 * GIB, gt=0)
