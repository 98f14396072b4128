"""How fast nbsession is: against the plain driver doing the same work, and against SQLAlchemy, in one run.

Every figure is a ratio of medians of interleaved repetitions, and every repetition is checked: keys on the objects and
rows in the tables must be what the work should have made of them. ``python -m benchmarks --help`` says how to run it.
"""
