"""The flush: what it would send, in which order and why, and how the rows are written. Moves no state itself."""
