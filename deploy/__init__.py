"""What a person or another machine touches: the command line, the service, and the ways to run them."""
