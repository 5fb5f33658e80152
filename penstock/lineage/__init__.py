"""From any value that a model learned from back to the raw cell that it came from."""
