"""What is other than it was: gaps by fault and gaps by chance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from penstock.faults.changed import find_changes_between_sides


def test_a_surge_of_missing_cells_is_told_where_chance_does_not_explain_it() -> None:
    """Of many columns one has more gaps on a small side by luck; a source that broke has them everywhere."""
    random = np.random.default_rng(0)
    train = pd.DataFrame({"size": np.where(np.arange(400) % 33 == 0, np.nan, random.normal(0, 1, 400))})

    def held(n: int, gone: int) -> pd.DataFrame:
        return pd.DataFrame({"size": np.where(np.arange(n) < gone, np.nan, random.normal(0, 1, n))})

    assert [finding.kind for finding in find_changes_between_sides(train, held(100, 60))] == ["missing"]
    assert not find_changes_between_sides(train[:126], held(34, 8))
