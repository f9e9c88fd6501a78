"""The short way to another revision: only values in the state change."""
