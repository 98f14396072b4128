"""Definitions read from a database: its tables as plain values, as ``Table`` objects, and what ``inspect(engine)`` gives."""

from __future__ import annotations
