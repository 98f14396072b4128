"""What is taught, and with what data. Knows the notebook face; nothing in the engine knows it."""
