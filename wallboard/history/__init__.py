"""What was: the last hour's lines, the kept days, the same time a week ago."""
