"""Steps that make features of dates, of times, and of what came before."""
