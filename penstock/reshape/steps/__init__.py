"""The steps that change which rows and columns a table has."""
