"""What changed between two runs, or two versions of a model: decisions, data, code and scores, nothing private told."""
