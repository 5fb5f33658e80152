"""What reading delimited text takes: encodings, quotes, row ends, pieces that are parsed side by side."""
