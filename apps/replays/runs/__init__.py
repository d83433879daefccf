"""Runs of suites: candidates against a baseline over recorded sessions, and the verdict on them."""
