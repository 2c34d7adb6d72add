"""Decides how recorded bytes of an Alpha sign's line are told to a person or a script: `callfloor decode alpha`. Pure.

One record per frame, `{"type", "address", "packets": [{"command", "label", "text"…}]}`, and one per stretch of other bytes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from appliance.core.errors import CorruptError
from drivers.alpha_command import (
    Command,
    File,
    Memory,
    Other,
    Read,
    ReadSpecial,
    RunSequence,
    Special,
    Tone,
    WriteDots,
    WriteString,
    WriteText,
    command_from_body,
)
from drivers.alpha_frame import NULS, Frame, Packet, records_from_bytes
from drivers.alpha_reply import RESPONSE, acknowledged_from_bytes, general_info_from_answer
from drivers.alpha_text import MODES, POSITIONS, SPECIALS, Segment, shown_from_bytes

_TYPES: Final = {
    "Z": "all", "!": "all, with visual check", "?": "all, checked", '"': "serial clock", "^": "BetaBrite", "1": "one line",
    "2": "two lines", "C": "430i", "D": "440i", "E": "460i", "U": "790i", "X": "AlphaPremiere", "a": "4120C", "b": "4160C",
    "c": "4200C", "d": "4240C", "e": "215R", "f": "215C", "g": "4120R", "h": "4160R", "i": "4200R", "j": "4240R", "k": "300",
    "l": "7000", "m": "Solar", "n": "Solar", "o": "Solar", "p": "Solar", "q": "PPD", "r": "Director",
    "t": "4080C", "u": "210C and 220C", "v": "Eclipse 3500", "x": "Premiere 9000", "z": "all, configuration", RESPONSE: "answer of a sign",
}  # fmt: skip
_SPECIALS: Final = {
    " ": "time", "!": "speaker", '"': "general information", "#": "memory pool", "$": "memory", "&": "day", "'": "time format",
    "(": "tone", ")": "run-time table", "*": "error status", ",": "soft reset", "-": "network query", ".": "run sequence", "/": "dim",
    "2": "run-day table", "4": "clear error", "5": "counters", "7": "address", ";": "date", "s": "acknowledgements",
}  # fmt: skip
_COMMANDS: Final = {
    "A": "write TEXT", "B": "read TEXT", "E": "write special function", "F": "read special function", "G": "write STRING",
    "H": "read STRING", "I": "write small picture", "J": "read small picture", "K": "write colour picture", "L": "read colour picture",
    "M": "write large picture", "N": "read large picture", "O": "write bulletin", "T": "set timeout message",
}  # fmt: skip
_ORDERS: Final = {"T": "by time", "S": "all", "D": "deleted when over"}
_TONES: Final = {"0": "continuous", "1": "three beeps", "2": "as told"}


def records(data: bytes) -> Iterator[dict[str, Any]]:
    """What each frame says, and what other bytes there are."""
    for record in records_from_bytes(data):
        if isinstance(record, Frame):
            yield _frame(record)
            continue
        acknowledged = acknowledged_from_bytes(record.raw)
        if acknowledged is None:
            yield {"type": None, "address": None, "packets": [], "noise": record.raw.hex(" ").upper()}
        else:
            said = "ACK" if acknowledged.ok else "NAK"
            yield {"type": None, "address": None, "packets": [], "acknowledged": said, "errors": list(acknowledged.errors)}


def _frame(frame: Frame) -> dict[str, Any]:
    packets = [_packet(packet) for packet in frame.packets]
    out: dict[str, Any] = {
        "type": frame.type,
        "address": frame.address,
        "for": _TYPES.get(frame.type),
        "nuls": frame.nuls,
        "packets": packets,
    }
    faults = []
    if frame.nuls < NULS:
        faults.append(f"{frame.nuls} NULs before it; a sign needs {NULS}")
    if not frame.ended:
        faults.append("cut off: no EOT")
    if not frame.packets:
        faults.append("no command")
    if len(frame.head) != 3:
        faults.append("no type with two digits of address")
    return out | {"irregular": "; ".join(faults)} if faults else out


def _packet(packet: Packet) -> dict[str, Any]:
    command = command_from_body(packet.body)
    out: dict[str, Any] = {"command": packet.body[:1].decode("latin-1"), "label": None} | _said(command)
    means = _COMMANDS.get(out["command"][:1])
    out["means"] = means if len(out["command"]) < 2 else f"{means}: {_SPECIALS.get(out['command'][1:], 'unknown')}"
    if packet.tail:
        out |= {"checksum": packet.tail.decode("latin-1"), "checksum_ok": packet.checksum_ok}
    return out


def _said(command: Command) -> dict[str, Any]:  # noqa: PLR0911 - one per kind of command
    """The members that depend on the command."""
    match command:
        case WriteText():
            return {"label": command.label} | _text(command)
        case WriteString():
            shown = shown_from_bytes(command.data)
            return {"label": command.label, "text": shown.text} | _codes(shown.codes)
        case WriteDots():
            return {"label": command.label, "data": command.data.decode("latin-1")}
        case Read():
            return {"label": command.label}
        case ReadSpecial():
            return {"command": f"F{command.function}"}
        case Memory():
            return {"command": "E$", "files": [_file(file) for file in command.files]}
        case RunSequence():
            order = _ORDERS.get(command.order, command.order)
            return {"command": "E.", "order": order, "locked": command.locked, "labels": list(command.labels)}
        case Tone():
            tone = {"tone": command.kind, "sounds": _TONES.get(command.kind)}
            more = {"frequency": command.frequency, "duration": command.duration, "repeats": command.repeats}
            return {"command": "E("} | tone | {key: value for key, value in more.items() if value}
        case Special():
            return {"command": f"E{command.function}", "data": command.data} | _info(command)
        case Other():
            data = command.raw[1:]
            more = {"data": data.hex(" ").upper(), "irregular": "not as the protocol has it"}
            return {"command": f"E{chr(data[0])}"} | more if command.raw[:1] == b"E" and data else more


def _text(command: WriteText) -> dict[str, Any]:
    """Of several segments the first one's mode, all texts joined, and the parts."""
    if not command.segments:
        return {"text": "", "position": None, "mode": None}
    parts = [_segment(part) for part in command.segments]
    first = parts[0]
    out = first if len(parts) == 1 else first | {"text": "".join(part["text"] for part in parts), "parts": parts}
    if len(parts) > 1:
        out.pop("codes", None)
        faults = [part["irregular"] for part in parts if "irregular" in part]
        if faults:
            out["irregular"] = "; ".join(faults)
    return out


def _segment(part: Segment) -> dict[str, Any]:
    shown = shown_from_bytes(part.data)
    out: dict[str, Any] = {"text": shown.text, "position": None, "mode": None}
    if part.fault is not None:
        out["irregular"] = part.fault
    elif part.position is not None and part.mode is not None:
        out |= {"position": f"{ord(part.position):02X}", "mode": part.mode, "special": part.special}
        how = SPECIALS[part.special] if part.special is not None else MODES[part.mode]
        out["shown"] = f"{POSITIONS[part.position]}, {how}"
    return out | _codes(shown.codes)


def _codes(codes: Any) -> dict[str, Any]:
    return {"codes": [msgspec.to_builtins(code) for code in codes]} if codes else {}


def _file(file: File) -> dict[str, Any]:
    out: dict[str, Any] = {"label": file.label, "kind": file.kind.upper(), "locked": file.locked}
    if file.kind == "dots":
        return out | {"rows": file.size >> 8, "columns": file.size & 0xFF, "colours": file.extra}
    return out | {"size": file.size, "times": file.extra}


def _info(command: Special) -> dict[str, Any]:
    with contextlib.suppress(CorruptError):
        return {"information": msgspec.to_builtins(general_info_from_answer(command))} if command.function == '"' else {}
    return {}
