"""The box's errors, one class per thing a person must do about them.

Each class also inherits the builtin that a Python reader would catch.
"""

from __future__ import annotations


class CallfloorError(Exception):
    """Any error of ours; its text says what happened, where, and what to do."""


class TransientError(CallfloorError, OSError):
    """It goes away by itself and is retried: a refused connection, a busy port, a locked file."""


class MisconfiguredError(CallfloorError, ValueError):
    """A person must change the configuration: the text names the file, the line, the key and the mend."""


class UnpluggedError(CallfloorError, OSError):
    """A device or a peer is not there: a headset pulled, a serial port gone."""


class DeniedError(CallfloorError, PermissionError):
    """Somebody refused us: a wrong secret, a missing right; the text names the rule."""


class UnsupportedError(CallfloorError, NotImplementedError):
    """The peer or the platform cannot do it: an old dialect, a missing kernel feature."""


class CorruptError(CallfloorError, ValueError):
    """Stored or received data is damaged: a journal that is no database, a frame with a bad checksum."""


class FullError(CallfloorError, OSError):
    """No room: the disk is full or a bounded queue cannot take more; nothing was stored."""
