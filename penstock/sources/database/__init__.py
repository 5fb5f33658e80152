"""What reading a database takes: addresses, sessions, types, watermarks, one module a dialect."""
