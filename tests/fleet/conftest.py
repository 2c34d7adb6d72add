"""Lets the fleet's modules find one another: they are also run as `python -m tests.fleet`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
