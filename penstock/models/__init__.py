"""Candidate models: encoder, families, folds, the search among them, and the train stage."""
