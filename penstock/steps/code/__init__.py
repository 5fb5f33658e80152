"""Steps that run a function of the user's own, sealed with its source."""
