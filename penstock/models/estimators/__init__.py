"""Estimators behind the families: one row is answered as in a batch to the bit, on one thread, without a warning."""
