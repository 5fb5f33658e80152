"""Data in, matplotlib Figure out: one kind of figure a module, none of them known to pyplot."""
