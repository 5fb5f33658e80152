"""Steps that turn categories and text into numbers, by what training rows hold."""
