"""Steps that name rows which a model should not learn from."""
