"""What the command ``playhead`` does, an act a module."""
