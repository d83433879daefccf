"""PostgreSQL and Valkey from Python wheels, for a laptop and for tests. Needs no Django."""
