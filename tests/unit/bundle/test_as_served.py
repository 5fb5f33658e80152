"""How strictly requests are read is part of what a version is."""

from __future__ import annotations

from penstock.bundle.candidate import as_served
from penstock.receipts import FileRef, FrameRef, Trained
from penstock.slices import Serving

FILE = FileRef(digest="a" * 64, path="objects/a", size=1)
TRAINED = Trained(
    family="linear",
    metric="rmse",
    served=FILE,
    twin=FILE,
    probe=FrameRef(digest="a" * 64, path="objects/a", size=1, n_rows=1, columns=("x",)),
    table_schema=FILE,
    plan=FILE,
    profile=FILE,
    environment=FILE,
    content_digest="c" * 64,
    leaderboard=(),
)


def test_a_stricter_door_makes_another_version_and_the_usual_one_does_not() -> None:
    """Otherwise `serve: {extra: refuse}` would publish nothing new, and never take effect."""
    assert as_served(TRAINED, Serving()) == TRAINED
    strict = as_served(TRAINED, Serving(extra="refuse"))
    assert strict.content_digest != TRAINED.content_digest
    assert as_served(TRAINED, Serving(extra="refuse")) == strict
