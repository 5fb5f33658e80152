"""Why an answer is what it is: what each raw column adds to a score."""

from penstock.reasons.explaining import MOST_ROWS, Explanation, Reasons, explain

__all__ = ["MOST_ROWS", "Explanation", "Reasons", "explain"]
