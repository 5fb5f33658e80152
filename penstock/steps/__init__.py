"""Steps of three kinds, the plan that orders them, and joins as look-ups: one code for training and for requests."""
