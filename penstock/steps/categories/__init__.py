"""Steps that make categories few and alike: spellings, rare levels, orders."""
