"""Steps for what is missing: flags, fills and imputers."""
