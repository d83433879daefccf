"""The folder that stands first on the path of a program that is recorded or replayed."""
