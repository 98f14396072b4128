"""What becomes of a session when its driver fails, its process is killed, or somebody presses Ctrl-C."""
