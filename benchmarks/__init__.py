"""How fast nbsession is: against the plain driver doing the same work, and against SQLAlchemy, in one run.

Every figure is a ratio of medians of interleaved repetitions, and every repetition is checked: keys on the objects and
rows in the tables must be what the work should have made of them. ``python -m benchmarks --help`` says how to run it.

All sides share a process, and with it the thread by which nbsession hears Ctrl-C. A second thread alone, whoever's it is, makes
SQLite's rows up to a fifth slower to read, for each side: the C library's locks are dearer then, as in any notebook.
"""
