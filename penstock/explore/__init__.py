"""The explore stage: a bounded set of figures of the training rows, and a sentence on each.

Held-out rows are never looked at. Counts, shares and quantiles are over all training rows, each column read by itself;
points are of at most 5,000 rows, steps are replayed on at most 2,000, and captions say so. Columns that the spec
declares private are not drawn, nor is what steps make of them.
"""

from __future__ import annotations

from penstock.explore.sample import Sample, take_sample
from penstock.explore.stage import explore

__all__ = ["Sample", "explore", "take_sample"]
