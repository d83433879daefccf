"""Imports of files: taking the file, reading it in the background, and telling how far it is."""
