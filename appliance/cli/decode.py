"""Say what recorded bytes mean, one JSON object per record.

ami     bytes of an Asterisk manager session, or a capture file: {"type", "name", "fields"}
esl     bytes of a FreeSWITCH event socket, or a capture file: {"type", "name", "fields", "body"}
alpha   bytes of an Alpha sign's line, as they are or as hex: {"type", "address", "packets": [{"command", "label", "text"…}]}
callerid  a packet in hex (SDMF, MDMF, ETSI), DTMF digits, a modem's lines, a line monitor's records:
        {"format", "checksum_ok", "date", "time", "number", "name", "absent"}
hid     a USB report descriptor, as hex or as its bytes: {"hook": {"report_id", "offset", "size", "mode"}, "mute", "leds"}
smdr    lines of a PBX's call-record port, or a capture file; without --profile all are tried and the one that fits is named:
        {"profile", "direction", "extension", "trunk", "number", "start", "duration_s", "ring_s", "answered", "abandoned"…}
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from appliance.cli.terminal import complain, say, say_json
from appliance.core.errors import CorruptError

EXAMPLES = """
  callfloor decode ami session.txt
  nc pbx 5038 | callfloor decode ami - --json
  callfloor decode alpha "00 00 00 00 00 01 5A 30 30 02 47 61 30 35 3A 31 32 04"
  callfloor decode callerid "04 12 30 39 33 30 31 32 32 34 36 30 39 35 35 35 31 32 31 32 51"
  callfloor decode hid /sys/class/hidraw/hidraw0/device/report_descriptor
  callfloor decode smdr printed.txt --profile panasonic
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """KIND FILE|HEX|-, --profile, --json."""
    parser.add_argument("kind", choices=["ami", "esl", "alpha", "callerid", "hid", "smdr"], help="what the bytes are")
    parser.add_argument("file", metavar="FILE|HEX|-", help="where they are; - for stdin; but for ami, esl and smdr: or the bytes, as hex")
    parser.add_argument("--profile", metavar="P", help="smdr: one of the profiles (docs/smdr.md), or a file of your own, ….toml")
    parser.add_argument("--json", action="store_true", help="one object a line, and nothing else (the default when piped)")


def main(args: argparse.Namespace) -> int:
    """Raises CorruptError when the file cannot be read."""
    readable = sys.stdout.isatty() and not args.json
    for record in _records(args.kind, args.file, args.profile):
        if readable:
            say(msgspec.json.format(msgspec.json.encode(record), indent=1).decode())
        else:
            say_json(record)
    return 0


def _records(kind: str, name: str, profile: str | None) -> Iterable[Any]:
    if kind == "smdr":
        return _call_records(name, profile)
    if kind == "alpha":
        from drivers.alpha_record import records  # noqa: PLC0415 - the kind decides which

        given = None if len(name) < 256 and Path(name).is_file() else _from_hex(name)
        data = _bytes(name) if given is None else given
        return records(_from_hex(data.decode("latin-1")) or data)
    if kind == "callerid":
        from gateway.fxo.decode import records as callers  # noqa: PLC0415 - the kind decides which

        named = name == "-" or (len(name) < 256 and Path(name).exists())
        return callers(received(_bytes(name)) if named else name.encode())
    if kind == "hid":
        return [_descriptor(name)]
    if kind == "esl":
        from gateway.freeswitch.esl import decode as of_freeswitch  # noqa: PLC0415 - the kind decides which

        return of_freeswitch(received(_bytes(name)))
    from gateway.asterisk.ami import decode  # noqa: PLC0415 - the kind decides which

    return decode(received(_bytes(name)))


def _call_records(name: str, profile: str | None) -> Iterator[Any]:
    from appliance.replay import header_from_capture  # noqa: PLC0415
    from gateway.smdr.decode import decode, notes  # noqa: PLC0415 - the kind decides which

    data = _bytes(name)
    # Years that are not printed are told from when the file was written.
    written = datetime.now().astimezone() if name == "-" else datetime.fromtimestamp(Path(name).stat().st_mtime).astimezone()
    if data.startswith(b'{"capture"') and Path(name).is_file():
        written = datetime.fromisoformat(header_from_capture(Path(name)).started).astimezone()
    result = decode(received(data), profile, written.replace(tzinfo=None))
    counts = result.reader.counts
    complain(f"profile {result.profile.name}: {len(result.records)} records of {counts.lines} lines, {counts.headers} headings")
    for note in notes(result):
        complain(f"note: {note}")
    for record in result.records:
        yield record.as_json()


def _descriptor(name: str) -> dict[str, Any]:
    from headsets.descriptor import parse  # noqa: PLC0415 - the kind decides which
    from headsets.layout import layout_of  # noqa: PLC0415
    from headsets.record import bytes_of, record  # noqa: PLC0415

    given = len(name) >= 256 or not (name == "-" or Path(name).exists())
    try:
        raw = bytes_of(name.encode() if given else _bytes(name))
    except CorruptError as fault:
        raise CorruptError(f"{name[:60]}: no such file, and {fault}" if given else f"{name}: {fault}") from fault
    layout = layout_of(parse(raw))
    for note in layout.notes:
        complain(f"note: {note}")
    return record(layout)


def _from_hex(text: str) -> bytes | None:
    """The bytes that hex digits stand for, None for what is not hex. A frame holds control characters, so it is never taken for hex."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _bytes(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as fault:
        raise CorruptError(f"{name}: {fault.strerror}; name a file, or - for stdin") from fault


def received(data: bytes) -> bytes:
    """What the box received, when the bytes are a capture file; else the bytes themselves."""
    if not data.startswith(b'{"capture"'):
        return data
    return b"".join(_chunks(data))


def _chunks(data: bytes) -> Iterator[bytes]:
    for number, line in enumerate(data.splitlines(), 1):
        try:
            row = msgspec.json.decode(line)
            if "data" in row:
                yield row["data"].encode("latin-1")
        except (msgspec.DecodeError, UnicodeEncodeError, TypeError, AttributeError) as fault:
            raise CorruptError(f"line {number} of the capture is damaged: {fault}") from fault
