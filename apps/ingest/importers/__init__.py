"""Files of recorded sessions, read a record at a time: what one record holds is one session."""
