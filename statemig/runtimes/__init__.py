"""Adapters: other people's runtimes, each in a room of its own. Nothing else imports them."""
