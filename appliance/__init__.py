"""What every service of the box stands on: core, floor folds, runtime, simulation and command line."""
