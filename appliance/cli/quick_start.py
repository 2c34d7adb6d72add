"""Decides what is not imported on the way to a box's first durable event. Import it before anything that imports msgspec.

msgspec prefers `typing_extensions` where that happens to be installed, for names that Python 3.11's own `typing` has;
it is a fifth of the time that the rest takes. Hidden while msgspec is imported, it makes msgspec fall back to `typing`.
"""

from __future__ import annotations

import sys
from typing import Any, cast

_HIDDEN = "typing_extensions"

if "msgspec" not in sys.modules and _HIDDEN not in sys.modules:
    modules = cast("dict[str, Any]", sys.modules)
    modules[_HIDDEN] = None
    try:
        import msgspec  # noqa: F401
    finally:
        del modules[_HIDDEN]
