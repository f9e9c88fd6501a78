"""The long way to another revision, which knows everything: a new rule begins here."""
