"""The threads of a database as a fleet."""
