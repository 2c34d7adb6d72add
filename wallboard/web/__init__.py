"""The listener: who may look, and what a browser is given."""
