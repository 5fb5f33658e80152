"""The service: HTTP around sealed bundles; it proves every new one before it lets it in."""
