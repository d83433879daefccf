"""Playhead's client: what it shares with the server lies here once."""
