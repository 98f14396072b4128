"""A real SQLAlchemy session's public events and ``inspect()`` as our facts and readings. Imported when one is watched."""
