"""Real servers for tests, started and ended by their own fixtures."""
