"""How an Asterisk writes what it says on its manager port: events, responses and list rows as bytes."""

from __future__ import annotations

from typing import Final

BANNER: Final = b"Asterisk Call Manager/11.0.0\r\n"
STATES: Final = {0: "Down", 3: "Dialing", 4: "Ring", 5: "Ringing", 6: "Up"}
CAUSES: Final = {0: "Unknown", 4: "Unknown", 16: "Normal Clearing", 17: "User busy", 19: "User alerting, no answer"}
UNKNOWN: Final = "<unknown>"


def fields(**values: object) -> str:
    """Header lines; an underscore in a name stands for a dash.

    >>> fields(Queue="ventas", Cause_txt="")
    'Queue: ventas\\r\\nCause-txt: \\r\\n'
    """
    return "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in values.items())


def event(name: str, privilege: str, stamp: str, body: str) -> bytes:
    """One event block. `stamp` is a whole Timestamp line or nothing."""
    return f"Event: {name}\r\nPrivilege: {privilege},all\r\n{stamp}{body}\r\n".encode()


def row(name: str, body: str) -> bytes:
    """One list row: an event without privilege and timestamp."""
    return f"Event: {name}\r\n{body}\r\n".encode()


def response(word: str, action_id: str | None, body: str) -> bytes:
    """One response; the ActionID comes second and only if the request had one."""
    told = "" if action_id is None else f"ActionID: {action_id}\r\n"
    return f"Response: {word}\r\n{told}{body}\r\n".encode()


def success(action_id: str | None, message: str) -> bytes:
    return response("Success", action_id, f"Message: {message}\r\n")


def error(action_id: str | None, message: str) -> bytes:
    return response("Error", action_id, f"Message: {message}\r\n")


def listing(action_id: str | None, message: str, complete: str, rows: list[bytes]) -> bytes:
    """A whole list answer: start, rows, and the row that ends it with their number."""
    told = "" if action_id is None else f"ActionID: {action_id}\r\n"
    start = f"Response: Success\r\n{told}EventList: start\r\nMessage: {message}\r\n\r\n".encode()
    end = f"Event: {complete}\r\n{told}EventList: Complete\r\nListItems: {len(rows)}\r\n\r\n".encode()
    return start + b"".join(rows) + end
