"""Wiring: the command line, the server, the runner. It holds no decisions."""
