"""Savepoints by redo against SQLite's own: the same random programs on both, and mutants of the redo that they must notice."""
