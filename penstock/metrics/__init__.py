"""Scores of predictions, with bootstrap intervals and paired differences."""
