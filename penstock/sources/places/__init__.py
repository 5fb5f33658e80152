"""Where files lie and how they are opened: this machine, object storage, archives, all within limits."""
