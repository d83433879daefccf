"""How replays and runs go on, for whoever watches: as events, or one look at a time."""
