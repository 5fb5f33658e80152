"""A bundle is a model sealed with all that it needs to answer: made, signed, published, proven and loaded here."""
