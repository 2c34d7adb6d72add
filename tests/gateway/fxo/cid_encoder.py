"""An exchange's side of caller ID, of our own making: what it would send for a caller, from the standards' own tables."""

from __future__ import annotations


def packet(kind: int, body: bytes) -> bytes:
    """type, length, body, and the byte that makes the sum 0 mod 256."""
    head = bytes((kind, len(body))) + body
    return head + bytes((-sum(head) % 256,))


def sdmf(stamp: str, number: str) -> bytes:
    """One date, one time, one number or letter."""
    return packet(0x04, (stamp + number).encode("ascii"))


def parameters(*told: tuple[int, bytes]) -> bytes:
    """tag, length, bytes; one after the other."""
    return b"".join(bytes((tag, len(value))) + value for tag, value in told)


def mdmf(*told: tuple[int, bytes]) -> bytes:
    """A call's set-up with these parameters."""
    return packet(0x80, parameters(*told))


def on_the_line(sent: bytes) -> bytes:
    """With the bytes that wake the receiver up before it."""
    return b"\x55" * 30 + sent


def formatted(
    date: str = "1015", time: str = "1310", number: str | None = "0987654321", name: str | None = None, *, spaces: bool = True
) -> bytes:
    """A modem's lines for a caller; a line whose value is None is not printed."""
    mark = " = " if spaces else "="
    rows = {"DATE": date, "TIME": time, "NMBR": number, "NAME": name}
    return "".join(f"{key}{mark}{value}\r\n" for key, value in rows.items() if value is not None).encode("latin-1")
