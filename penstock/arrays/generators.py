"""The run's seeds: one for each stage, all from one."""

from __future__ import annotations

import numpy as np

from penstock.receipts import STAGES, StageName


def stage_seeds(seed: int) -> dict[StageName, int]:
    """Return one seed a stage, independent of each other, from the run's seed.

    References
    ----------
    NumPy, `numpy.random.SeedSequence.spawn`.

    Examples
    --------
    >>> stage_seeds(1) == stage_seeds(1), len(set(stage_seeds(1).values()))
    (True, 7)
    """
    spawned = np.random.SeedSequence(seed).spawn(len(STAGES))
    # 31 bits: scikit-learn and LightGBM take no larger seed.
    return {stage: int(s.generate_state(1)[0] >> 1) for stage, s in zip(STAGES, spawned, strict=True)}
