"""What an estimator raises where its family cannot be fitted to such rows."""

from __future__ import annotations


class Refusal(ValueError):
    """The rows are none of a family's business; the message says why, in words for the leaderboard."""
