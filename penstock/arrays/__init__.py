"""Raw columns to typed arrays: what each column is and why, the target, the numeric profile, and the run's seeds."""
