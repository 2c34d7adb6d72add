"""PBX sources: dialect parsers, trackers and their services."""
