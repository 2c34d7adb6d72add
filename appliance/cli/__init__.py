"""The command line: one small module per verb, found by name in `appliance.cli.main`."""
