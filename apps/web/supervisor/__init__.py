"""``manage.py up``: everything that Playhead runs, started in order and kept running.

Runs without Django, so that the process that watches the others stays small.
"""
