"""The kernel of a sealed model: from a raw row to its answer by look-ups and NumPy, restored from data, not pickles."""
