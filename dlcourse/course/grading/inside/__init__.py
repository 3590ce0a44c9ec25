"""Programs that run inside the sandbox, each a file of its own; nothing they say is trusted."""
