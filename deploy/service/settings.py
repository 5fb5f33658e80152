"""Where and how the service runs: read from the environment, never part of a model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, ValidationError

from penstock.errors import SpecError
from penstock.frozen import Frozen

PREFIX = "PENSTOCK_"


class Settings(Frozen):
    """What one service process needs to know; each field is `PENSTOCK_<FIELD>` in the environment.

    Examples
    --------
    >>> Settings.from_environment({"PENSTOCK_ARTIFACTS": "/srv/models", "PENSTOCK_MAX_ROWS": "10"}).max_rows
    10
    """

    artifacts: Path = Path("artifacts")
    default_model: str | None = None
    # A file, or "-" for stderr; without one only refusals and failures are logged, each as it comes.
    access_log: str | None = None
    # A folder; without one no row is kept.
    prediction_log: Path | None = None
    poll_seconds: float = Field(default=0.25, gt=0)
    max_row_bytes: int = Field(default=1_000_000, gt=0)
    max_batch_bytes: int = Field(default=64_000_000, gt=0)
    max_rows: int = Field(default=1_000_000, gt=0)
    body_seconds: float = Field(default=60.0, gt=0)
    retry_seconds: float = Field(default=0.5, gt=0)
    retry_limit_seconds: float = Field(default=30.0, gt=0)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings that are given, and leave the others at their defaults.

        Raises
        ------
        SpecError
            A value cannot be understood.
        """
        given = os.environ if environment is None else environment
        values = {name: given[PREFIX + name.upper()] for name in cls.model_fields if given.get(PREFIX + name.upper())}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise SpecError(
                f"The service's setting {PREFIX}{str(first['loc'][0]).upper()} cannot be understood",
                expected=first["msg"],
            ) from error

    def to_environment(self) -> dict[str, str]:
        """Return the variables from which `from_environment` makes these settings again."""
        return {
            PREFIX + name.upper(): str(value)
            for name in type(self).model_fields
            if (value := getattr(self, name)) is not None
        }
