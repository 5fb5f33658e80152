"""Steps that turn categories and text into numbers."""
