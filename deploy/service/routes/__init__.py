"""The routes, one module a noun; each reads a request, asks the library, and writes an answer."""
