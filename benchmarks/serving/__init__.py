"""The service side by side with an echo, a bare GET and other servers of the same model: `make bench-serve`."""
