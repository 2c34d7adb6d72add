"""What the headset tests share."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))  # the modules of this folder that are no tests

# By hand, half an hour: pytest --hypothesis-profile=hundred-thousand tests/headsets/test_headset_fuzz.py
settings.register_profile("hundred-thousand", max_examples=100_000, deadline=None, print_blob=True)
