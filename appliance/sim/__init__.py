"""Simulated hardware for demos, rigs and tests; each simulator speaks on the real wire."""
