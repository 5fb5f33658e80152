"""The dossier: all that is known about one run, gathered from receipts and store, as one HTML file or as markdown."""
