"""What came before: rows sorted by group and time, and how windows of them are summed up."""
