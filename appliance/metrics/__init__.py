"""The box's figures for a monitoring system: gathered from its processes and its floor, told as OpenMetrics."""
