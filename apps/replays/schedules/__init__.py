"""Runs that start by the clock: when, over which sessions, and what became of each time."""
