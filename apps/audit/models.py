"""The trail of what was done, by whom. Rows are added and never changed."""
