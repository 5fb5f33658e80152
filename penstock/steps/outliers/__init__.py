"""Steps for numbers that stand apart from all others."""
