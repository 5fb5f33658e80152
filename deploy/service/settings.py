"""Where and how the service runs: read from the environment, never part of a model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

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
    # A folder for what was asked and answered; none by default.
    prediction_log: Path | None = None
    prediction_log_days: int = Field(default=30, gt=0)
    # How many logged rows a new version must answer before it is served.
    replay_rows: int = Field(default=0, ge=0)
    poll_seconds: float = Field(default=0.25, gt=0)
    max_row_bytes: int = Field(default=1_000_000, gt=0)
    # What a body of any length costs is what of it is taken: this much memory, and never more.
    max_batch_bytes: int = Field(default=16_000_000, gt=0)
    max_rows: int = Field(default=100_000, gt=0)
    body_seconds: float = Field(default=60.0, gt=0)
    retry_seconds: float = Field(default=0.5, gt=0)
    retry_limit_seconds: float = Field(default=30.0, gt=0)
    # Which models are loaded before they are asked: "auto" (all, while they are few), "all", "none", or their names.
    preload: str = "auto"
    memory_mib: float | None = Field(default=None, gt=0)
    # How long a call waits for a model that it is the first to ask.
    load_seconds: float = Field(default=30.0, gt=0)
    pinned_versions: int = Field(default=4, ge=0)
    file_events: bool = True
    # When a new version fails so often that the one before it answers again; 0 errors turn that off.
    probation_seconds: float = Field(default=600.0, ge=0)
    burst_errors: int = Field(default=5, ge=0)
    burst_share: float = Field(default=0.5, gt=0, le=1)
    burst_seconds: float = Field(default=30.0, gt=0)
    # The guard's; docs/guarding.md tells what each is good for.
    max_concurrent: int = Field(default=256, gt=0)
    max_long: int = Field(default=16, gt=0)
    max_connections: int = Field(default=4_096, gt=0)
    max_head_bytes: int = Field(default=65_536, ge=1_024)
    head_seconds: float = Field(default=10.0, gt=0)
    drain_seconds: float = Field(default=5.0, ge=0, le=15)
    api_keys: str = ""
    admin_keys: str = ""
    metrics_access: Literal["key", "open", "off"] = "key"

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
