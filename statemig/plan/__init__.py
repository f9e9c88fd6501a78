"""What runs: instructions, value functions, and the two interpreters of both (shapes and Python)."""
