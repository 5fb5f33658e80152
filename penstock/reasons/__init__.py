"""Why an answer is what it is: what each raw column adds to a score."""

from penstock.reasons.columns import explained_columns
from penstock.reasons.explaining import Explanation, explain

__all__ = ["Explanation", "explain", "explained_columns"]
