"""Steps that give values another form: casts, maps, units, expressions, bounds."""
