"""A new version on a box that nobody stands beside: taken whole, tried once, kept only if the floor works with it."""
