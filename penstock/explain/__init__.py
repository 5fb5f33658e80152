"""What a model goes by: how much each thing that a caller sends matters, and which way; and what more rows would do."""
