"""Columns that a careful person would ask about: known only after the fact, told twice."""
