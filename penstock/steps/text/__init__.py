"""Steps that read and rewrite text, cell by cell."""
