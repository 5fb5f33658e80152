"""Whether there is memory enough for a fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.metrics.metric import metric_for
from penstock.models import memory
from penstock.models.families import DummyFamily, LightGBMFamily, LinearFamily
from penstock.models.memory import bytes_free, bytes_needed
from penstock.models.search import search
from tests.unit.models.making import training


def test_the_least_of_what_system_and_group_leave_is_free(tmp_path: Path) -> None:
    """A container may have less than its host; `max` sets no limit."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9000 kB\nMemAvailable:  4000 kB\n")
    assert bytes_free(meminfo, tmp_path) == 4000 * 1024
    (tmp_path / "memory.max").write_text("2000000\n")
    (tmp_path / "memory.current").write_text("500000\n")
    assert bytes_free(meminfo, tmp_path) == 1_500_000
    (tmp_path / "memory.max").write_text("max\n")
    assert bytes_free(meminfo, tmp_path) == 4000 * 1024
    assert bytes_free(tmp_path / "nothing", tmp_path / "nowhere") is None


def test_a_family_for_which_there_is_no_room_is_skipped_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """One column for each level takes more than one column of codes, and the other family is tried all the same."""
    given = training()
    wide, narrow = bytes_needed(given, "onehot"), bytes_needed(given, "ordinal")
    assert wide > narrow
    monkeypatch.setattr(memory, "bytes_free", lambda: (wide + narrow) / 2 * memory.AT_ONCE / memory.SHARE)
    found = search(given, (DummyFamily(), LinearFamily(), LightGBMFamily(trees=5)), metric_for("binary"))
    rows = {row.family: row for row in found.rows}
    assert rows["linear"].state == "skipped"
    assert "GB of memory a fit" in rows["linear"].note
    assert rows["lightgbm"].state == "completed"
