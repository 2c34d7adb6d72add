"""What the soak's own tests share."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in (Path(__file__).parents[1] / "faults", Path(__file__).parent):
    sys.path.insert(0, str(folder))  # the modules of these folders that are no tests
