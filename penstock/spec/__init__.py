"""What the user decided (the spec) and what was inferred from the data (its lock)."""
