"""Random programs, run on SQLAlchemy and on nbsession: what can be seen after every step must be the same.

A program is a list of small steps against one or two sessions (:mod:`tests.fuzz.programs`). A :mod:`world <tests.fuzz.world>`
runs them; :mod:`tests.fuzz.player` writes down what can be seen after each; :mod:`tests.fuzz.comparison` compares. Where
SQLAlchemy errs or leaves the outcome to chance, :mod:`tests.fuzz.departures` says so by name.

``python -m tests.fuzz`` runs more programs than the tests do, and cuts a failing one down to a short script.
"""
