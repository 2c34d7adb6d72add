"""Events, journal, clock, configuration and errors; imports nothing else of ours."""
