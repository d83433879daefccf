"""Replays that Playhead runs itself: the models' steps are asked anew, all else is the record's.

No code of the application runs here and no tool is ever called.
"""
