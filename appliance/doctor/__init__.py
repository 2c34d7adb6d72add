"""Decides what is wrong with this box, from what can be seen on it: probes give facts, judging them is pure, each finding says its mend."""
