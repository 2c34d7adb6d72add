"""Alarms: thresholds held against the floor, raised and cleared in the journal, silent in quiet hours."""
