"""Decides how a simulated Alpha sign behaves: it hears, is deaf, refuses, keeps, shows and answers as a BetaBrite was measured to. Pure.

Nothing is acknowledged unless that was asked for; what a real sign drops in silence is dropped here too, and told in `faults`.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from appliance.sim.sign_memory import Files, Line
from drivers.alpha_command import (
    Command,
    Memory,
    Other,
    Read,
    ReadSpecial,
    RunSequence,
    Special,
    WriteDots,
    WriteString,
    WriteText,
    command_from_body,
)
from drivers.alpha_frame import NULS, Decoder, Frame, checksum_of
from drivers.alpha_pace import Timing, deaf_s

#: What the sign takes part in when a frame is for a type.
_TYPES: Final = "Z!?z^"
_SILENCE_S: Final = 1.0
_FAULTS: Final = 50
_DAY_MIN: Final = 24 * 60
_BAD_CHECKSUM: Final = 0x10
_ILLEGAL: Final = 0x20


class Picture(Struct, frozen=True):
    """What a person in front of the sign sees, and what its owner would like to know."""

    address: str
    priority: bool
    lines: tuple[Line, ...]
    strings: dict[str, str]
    clock: str | None
    frames: int
    deaf: int
    faults: tuple[str, ...]


class SimSign:
    """One sign. Fed with bytes and monotonic seconds; `answers`: it has its transmit wire connected."""

    def __init__(self, address: str = "01", *, pool_bytes: int = 28_000, answers: bool = True, timing: Timing | None = None) -> None:
        self.address, self.answers = address, answers
        self.files = Files(pool_bytes)
        self.faults: list[str] = []
        self.bodies: list[bytes] = []
        self.frames = self.deaf = self.tones = 0
        self._timing = Timing() if timing is None else timing
        self._decoder = Decoder()
        self._heard_s = self._deaf_until_s = float("-inf")
        self._clock: tuple[int, float] | None = None
        self._hours, self._day, self._speaker, self._acks = "M", "1", "00", False
        self._status = 0x40

    def feed(self, data: bytes, now_s: float) -> bytes:
        """What the sign answers to these bytes."""
        if now_s < self._deaf_until_s:
            self.deaf += len(data)
            return b""
        if now_s - self._heard_s > _SILENCE_S and any(isinstance(each, Frame) for each in self._decoder.close()):
            self._wrong("a frame with a pause of a second in it")
        self._heard_s = now_s
        out = b""
        for record in self._decoder.feed(data):
            if isinstance(record, Frame) and self._is_for_me(record):
                out += self._take(record, now_s)
                if now_s < self._deaf_until_s:
                    break
        return out if self.answers else b""

    def picture(self, now_s: float) -> Picture:
        """What is to be seen now."""
        files, clock = self.files, self.clock(now_s)
        drawn = clock or "--:--"
        return Picture(
            self.address, files.priority is not None, tuple(files.shown(drawn)), files.strings(drawn), clock, self.frames, self.deaf,
            tuple(self.faults),
        )  # fmt: skip

    def clock(self, now_s: float) -> str | None:
        """The time that the sign would draw; None until it was set."""
        if self._clock is None:
            return None
        minutes, since_s = self._clock
        now_min = (minutes + int((now_s - since_s) // 60)) % _DAY_MIN
        return f"{now_min // 60:02d}:{now_min % 60:02d}"

    def _is_for_me(self, frame: Frame) -> bool:
        if len(frame.head) != 3 or frame.type not in _TYPES or not frame.ended:
            return False
        if frame.nuls < NULS:
            self._wrong(f"a frame after {frame.nuls} NULs")
            return False
        pairs = zip(frame.address.upper(), self.address, strict=True)
        return frame.address == "00" or all(asked in ("?", own) for asked, own in pairs)

    def _take(self, frame: Frame, now_s: float) -> bytes:
        self.frames += 1
        out = b""
        for at, packet in enumerate(frame.packets):
            if packet.tail is None and at < len(frame.packets) - 1:
                self._wrong("a nested packet without ETX")
            elif packet.checksum_ok is False:
                self._status |= _BAD_CHECKSUM
                self._wrong("a bad checksum")
                out += self._acknowledged(ok=False)
            else:
                out += self._obey(command_from_body(packet.body), now_s)
        deaf = deaf_s(frame, self._timing)
        if deaf:
            self._deaf_until_s = now_s + deaf
        return out

    def _obey(self, command: Command, now_s: float) -> bytes:
        self.bodies = [*self.bodies[-999:], command.body]
        if isinstance(command, Read | ReadSpecial):
            return self._answer(command, now_s)
        match command:
            case Memory():
                wrong = self.files.configure(command)
            case WriteText():
                wrong = self.files.write_text(command.label, command.body[2:])
            case WriteString():
                wrong = self.files.write_string(command.label, command.data)
            case RunSequence():
                self.files.run, wrong = command.labels, ""
            case WriteDots() | Special():
                wrong = self._special(command, now_s) if isinstance(command, Special) else ""
            case Other():
                wrong = f"a command {command.raw[:12]!r}"
            case _:
                self.tones, wrong = self.tones + 1, ""
        if wrong:
            self._status |= _ILLEGAL
            self._wrong(wrong)
        return self._acknowledged(ok=not wrong)

    def _special(self, command: Special, now_s: float) -> str:
        data = command.data
        match command.function:
            case " ":
                if len(data) != 4 or not data.isdecimal() or int(data[:2]) > 23 or int(data[2:]) > 59:
                    return f"a time {data!r}"
                self._clock = (int(data[:2]) * 60 + int(data[2:]), now_s)
            case "'":
                self._hours = data
            case "&":
                self._day = data
            case "!":
                self._speaker = data
            case "s":
                self._acks = data == "1"
            case "4":
                self._status = 0x40
            case "7":
                self.address = data
        return ""

    def _answer(self, question: Read | ReadSpecial, now_s: float) -> bytes:
        if isinstance(question, Read):
            write = {"B": "A", "H": "G", "J": "I", "L": "K", "N": "M"}[question.command]
            return _reply(f"{write}{question.label}".encode("latin-1") + self.files.data.get(question.label, b""))
        clock = (self.clock(now_s) or "0000").replace(":", "")
        free = self.files.pool_bytes - self.files.used_bytes()
        said: dict[str, bytes] = {
            "$": self.files.answered_table().body[2:],
            '"': f"103644010508{clock}{self._hours}{self._speaker}{self.files.pool_bytes:04X},{free:04X}".encode(),
            "#": f"{self.files.pool_bytes:04X},{free:04X}".encode(),
            " ": clock.encode(),
            "&": self._day.encode(),
            "'": self._hours.encode(),
            "*": bytes((self._status,)),
        }
        return _reply(f"E{question.function}".encode("latin-1") + said[question.function]) if question.function in said else b""

    def _acknowledged(self, *, ok: bool) -> bytes:
        return (b"\x06" if ok else b"\x15") + bytes((self._status,)) if self._acks else b""

    def _wrong(self, text: str) -> None:
        self.faults = [*self.faults[1 - _FAULTS :], text]


def _reply(body: bytes) -> bytes:
    return bytes(20) + b"\x01000\x02" + body + b"\x03" + checksum_of(body) + b"\x04"
