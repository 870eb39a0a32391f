"""``make bench``: how fast a report becomes letters and what the daemon costs, each beside a floor in the same run.

Figures, not tests: nothing here fails because it is slow. A floor is a bare program (`pipe`) on the same Dovecot and
Postfix; the daemon is a process of its own. Rounds take turns, so that a noisy minute hits both. What each row means
stands in `measures`. All of it takes about a quarter of an hour; ``python -m tests.bench --help`` knows shorter ways.
"""
