"""Other tables beside the base: joins and aggregates as look-ups, and the base with all that its rows find."""
