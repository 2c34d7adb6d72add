"""A simulated voice modem, without a wire: it answers commands, forgets what it was told at ATZ, and tells rings, callers and the hook."""

from __future__ import annotations

from typing import Final

from gateway.fxo.message import checksum_of

_PLAIN: Final = ("ATV1", "ATS0=0", "AT")


class SimModem:
    """One modem. `commands` are those that it was given, in order; `refuses` those that it does not know.

    `garbled`: it answers at another baud rate than it is listened to; `deaf`: it answers nothing.
    """

    def __init__(self, *, refuses: tuple[str, ...] = (), identity: str = "56000", spaces: bool = True, name_line: bool = True) -> None:
        self.commands: list[str] = []
        self.garbled = self.deaf = False
        self._refuses, self._identity = refuses, identity
        self._spaces, self._name_line = spaces, name_line
        self._held = b""
        self._reset()

    def _reset(self) -> None:
        self.caller_mode = 0
        self.voice = False
        self._echo = True

    def feed(self, data: bytes) -> bytes:
        """What it answers to bytes from the computer."""
        lines = (self._held + data).split(b"\r")
        self._held = lines.pop()[-256:]
        out = b"".join(self._command(line.decode("latin-1").strip()) for line in lines)
        return self._sent(out)

    def _command(self, command: str) -> bytes:
        self.commands.append(command)
        echo = command.encode("latin-1") + b"\r" if self._echo else b""
        if command in self._refuses or not self._does(command.upper()):
            return echo + b"\r\nERROR\r\n"
        told = f"\r\n{self._identity}\r\n".encode() if command == "ATI0" else b""
        return echo + told + b"\r\nOK\r\n"

    def _does(self, command: str) -> bool:
        if command == "ATZ":
            self._reset()
        elif command == "ATE0":
            self._echo = False
        elif command.startswith(("AT+VCID=", "AT#CID=")) and command[-1] in "012":
            self.caller_mode = int(command[-1])
        elif command.startswith("AT+FCLASS="):
            self.voice = command.endswith("=8")
        else:
            return command in _PLAIN or command.startswith(("AT+V", "ATI"))
        return True

    # -- the line ----------------------------------------------------------------------------------------------

    def ring(self) -> bytes:
        """The bell, once."""
        return self._sent(b"\x10R" if self.voice else b"\r\nRING\r\n")

    def caller(self, number: str, name: str | None = None, stamp: str = "11211403") -> bytes:
        """Who calls; nothing where it was not asked to tell. `stamp` MMDDHHMM."""
        if self.caller_mode == 0:
            return b""
        if self.caller_mode == 2:
            return self._sent(b"\r\n" + _packet(number, name, stamp).hex().upper().encode() + b"\r\n")
        mark = " = " if self._spaces else "="
        rows = {"DATE": stamp[:4], "TIME": stamp[4:], "NMBR": number}
        if name is not None and self._name_line:
            rows["NAME"] = name
        return self._sent(b"\r\n" + "".join(f"{key}{mark}{value}\r\n" for key, value in rows.items()).encode("latin-1") + b"\r\n")

    def hook(self, off: bool) -> bytes:
        """A phone on the line is taken up or put down; told in voice mode alone."""
        return self._sent(b"\x10H" if off else b"\x10h") if self.voice else b""

    def _sent(self, data: bytes) -> bytes:
        if self.deaf:
            return b""
        return bytes((byte * 167 + 43) & 0xFF | 0x80 for byte in data) if self.garbled else data


def _packet(number: str, name: str | None, stamp: str) -> bytes:
    told = [(0x01, stamp), (0x04 if number in ("O", "P") else 0x02, number), *([(0x07, name)] if name is not None else [])]
    body = b"".join(bytes((tag, len(text))) + text.encode("latin-1") for tag, text in told)
    head = bytes((0x80, len(body))) + body
    return head + bytes((checksum_of(head),))
