"""Decides whether a service runs, or whether whoever asks may not know: the locks lie where only the services and root may look."""

from __future__ import annotations

from pathlib import Path

from appliance.core.alive import is_alive


def runs(run_dir: Path, lock: str) -> bool | None:
    """Whether some process holds the lock; None: it may not be looked at."""
    try:
        with (run_dir / "alive" / f"{lock}.lock").open("rb"):
            pass
    except PermissionError:
        return None
    except OSError:
        return False
    return is_alive(run_dir, lock)
