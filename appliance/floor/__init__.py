"""Pure folds from events to the floor's figures: no I/O, no clock, no logging."""
