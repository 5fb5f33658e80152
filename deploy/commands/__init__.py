"""The bodies of the commands, one noun a module, imported only when called."""
