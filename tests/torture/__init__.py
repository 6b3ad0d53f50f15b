"""Torture: what breaks the program's promises when it is killed, starved, lied to and attacked.

`python -m tests.torture` (or `make torture`) runs every trial for its share of the time, prints the seed of each, and
writes the table of docs/reliability.md. A trial is a function in a module `trials_*.py` of this folder, marked with
`@trial`; it calls `report.held` for what held and `report.broke` for what did not.
"""
