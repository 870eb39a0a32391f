"""`pip install .` would make an installation without program, units and command: refused with the way that works."""

raise SystemExit(
    "Promptly is no package for pip. As a service: make install, as root (docs/install.md). To try it, or to work on "
    "it: make venv, then .venv/bin/python daemon.py --help"
)
