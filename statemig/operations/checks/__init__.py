"""Can the operations of a script be right? Asked when it is loaded, of the versions before and after it."""
