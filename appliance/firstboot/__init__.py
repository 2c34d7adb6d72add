"""A box's first start from its image: the site sheet that lies on the CONFIG partition is read once, made true, and taken away."""
