"""Decides what a foreign fault of an LED chain means to a person: no package, no right, no device, or one that takes no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from appliance.core.errors import UnpluggedError, UnsupportedError


@contextmanager
def opening(url: str, device: str) -> Iterator[None]:
    """Around everything that opens a chain: foreign faults become UnsupportedError (no package) or UnpluggedError."""
    try:
        yield
    except ImportError as error:
        fault = f"LED {url}: the package {error.name} is not installed; install callfloor[led]"
        raise UnsupportedError(fault) from error
    except PermissionError as error:
        fault = f"LED {url}: no right to {device}; put this service's user in the group spi"
        raise UnpluggedError(fault) from error
    except FileNotFoundError as error:
        fault = f"LED {url}: there is no {device}; enable SPI (raspi-config, Interface Options) and start the box anew"
        raise UnpluggedError(fault) from error
    except RuntimeError as error:
        fault = f"LED {url}: {error}; it needs root, and a Pi before the 5; any Pi can do ws2812:0.0"
        raise UnpluggedError(fault) from error
    except OSError as error:
        fault = f"LED {url}: {device} does not answer ({error}); look at the wiring"
        raise UnpluggedError(fault) from error


@contextmanager
def sending(url: str, what: str) -> Iterator[None]:
    """Around everything that is sent to an open chain."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        fault = f"LED {url}: the chain took no {what} ({error}); look at its wiring"
        raise UnpluggedError(fault) from error
