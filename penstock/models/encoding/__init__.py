"""What stands for a column in a model's array: codes, indicators, means of the target, words, dates, scales."""
