"""Decides what a SIP message is, and how an answer to one is written (RFC 3261, as far as one who only listens needs it). Pure.

Whatever is too long, has letters that no header may have, lacks what every message has, or says it twice is CorruptError. Bodies are
not read.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from appliance.core.errors import CorruptError

#: A datagram holds 64 KiB; INVITEs of gateways are under 2 KiB.
MAX_HEAD: Final = 16_384
MAX_HEADERS: Final = 128
MAX_BODY: Final = 65_536
_END: Final = b"\r\n\r\n"
#: Section 25.1: a token.
_TOKEN: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,64}")
_STATUS: Final = re.compile(r"SIP/2\.0 ([1-6][0-9]{2}) (.*)")
#: Control characters but the tab; line ends that are halves.
_BAD: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n")
_FOLD: Final = re.compile(r"\r\n[ \t]+")
_VIA: Final = re.compile(
    r"SIP ?/ ?2\.0 ?/ ?([A-Za-z0-9]{1,8})[ \t]+(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(?: ?: ?([0-9]{1,5}))? ?(?=;|$)"
)
_CSEQ: Final = re.compile(r"([0-9]{1,10})[ \t]+([A-Z][A-Z0-9_-]{0,31})")
#: Section 7.3.3 and later registrations.
_SHORT: Final = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "c": "content-type",
    "s": "subject", "k": "supported", "e": "content-encoding", "r": "refer-to", "b": "referred-by", "x": "session-expires",
}  # fmt: skip
#: What may stand only once.
_ONCE: Final = frozenset({"from", "to", "call-id", "cseq", "max-forwards", "content-length", "expires"})


class Via(Struct, frozen=True):
    """The last hop, as it names itself. `rest` are its parameters as they stand, from the first semicolon."""

    protocol: str
    host: str
    port: int | None
    rest: str
    branch: str | None
    rport: bool


class SipMessage(Struct, frozen=True):
    """A request (`method`, `uri`) or a response (`status`). Header names are long and lower-case; values as they stood, unfolded."""

    method: str | None
    uri: str
    status: int | None
    headers: tuple[tuple[str, str], ...]
    via: Via
    call_id: str
    from_tag: str | None
    to_tag: str | None
    cseq: int
    cseq_method: str

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]

    def first(self, name: str) -> str | None:
        """The first of them."""
        return next((value for key, value in self.headers if key == name), None)

    def number(self, name: str) -> int | None:
        """A header that is a number; None where it is none."""
        value = (self.first(name) or "").partition(";")[0].strip()
        return int(value) if value.isascii() and value.isdigit() and len(value) <= 10 else None


def message_from_bytes(data: bytes, *, stream: bool = False) -> SipMessage:
    """Read one message. `stream`: its end was found by its Content-Length. Raises CorruptError."""
    end = data.find(_END, 0, MAX_HEAD + len(_END))
    if end < 0:
        raise CorruptError("no end of the headers")
    text = data[:end].decode("utf-8", "surrogateescape")
    if _BAD.search(text):
        raise CorruptError("a control character in the headers")
    if "\r\n " in text or "\r\n\t" in text:
        text = _FOLD.sub(" ", text)
    start, *lines = text.split("\r\n")
    if len(lines) > MAX_HEADERS:
        raise CorruptError("too many headers")
    method, uri, status = _start(start)
    headers = tuple([_header(line) for line in lines])
    found = _found(headers)
    cseq, cseq_method = _cseq(found["cseq"])
    if method is not None and cseq_method != method:
        raise CorruptError(f"CSeq is of {cseq_method}, not of {method}")
    _check_length(found.get("content-length"), len(data) - end - len(_END), stream=stream)
    return SipMessage(
        method, uri, status, headers, _via(found["via"]), found["call-id"], tag_of(found["from"]), tag_of(found["to"]), cseq, cseq_method
    )


def _start(line: str) -> tuple[str | None, str, int | None]:
    status = _STATUS.fullmatch(line)
    if status is not None:
        return None, "", int(status[1])
    parts = line.split(" ")
    if len(parts) != 3 or parts[2] != "SIP/2.0" or not _TOKEN.fullmatch(parts[0]) or not 0 < len(parts[1]) <= 1024:
        raise CorruptError("no request and no response of SIP/2.0")
    return parts[0], parts[1], None


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name = name.rstrip(" \t").lower()
    if not colon or not _TOKEN.fullmatch(name):
        raise CorruptError("a line that is no header")
    return _SHORT.get(name, name), value.strip(" \t")


def _found(headers: tuple[tuple[str, str], ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        if name not in found:
            found[name] = value
        elif name in _ONCE:
            raise CorruptError(f"two headers {name}")
    for name in ("via", "from", "to", "call-id", "cseq"):
        if not found.get(name):
            raise CorruptError(f"no header {name}")
    if len(found["call-id"]) > 256:
        raise CorruptError("a Call-ID too long")
    return found


def _cseq(value: str) -> tuple[int, str]:
    found = _CSEQ.fullmatch(value)
    if found is None or int(found[1]) >= 2**31:
        raise CorruptError("a CSeq that is none")
    return int(found[1]), found[2]


def _check_length(value: str | None, have: int, *, stream: bool) -> None:
    if value is None:
        return
    if not (value.isascii() and value.isdigit() and len(value) <= 6) or int(value) > MAX_BODY:
        raise CorruptError("a Content-Length that is none")
    if int(value) > have and not stream:
        raise CorruptError("shorter than its Content-Length: the end is lost")


def _via(value: str) -> Via:
    found = _VIA.match(value)
    if found is None or int(found[3] or 0) > 65535:
        raise CorruptError("a Via that is none")
    rest = _upto_comma(value[found.end() :])
    names = [part.strip().partition("=") for part in rest.split(";")[1:]]
    params = {name.strip().lower(): val.strip() for name, _, val in names}
    branch = params.get("branch")
    if branch is not None and not 0 < len(branch) <= 256:
        raise CorruptError("a branch too long")
    return Via(found[1].upper(), found[2], int(found[3]) if found[3] else None, rest, branch, "rport" in params)


def _upto_comma(text: str) -> str:
    """A value's end, where several stand in one header; a comma between quotes is none."""
    if '"' not in text:
        return text.partition(",")[0]
    quoted = False
    for at, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            return text[:at]
    return text


def tag_of(value: str) -> str | None:
    """The tag of a From or a To; None without one."""
    if "tag" not in value.lower():
        return None
    after = value.rpartition(">")[2]
    for part in after.split(";")[1:]:
        name, _, tag = part.partition("=")
        if name.strip().lower() == "tag" and 0 < len(tag.strip()) <= 256:
            return tag.strip()
    return None


class Address(Struct, frozen=True):
    """A name and a URI, as From has them. `rest` are the parameters behind."""

    display: str
    uri: str
    rest: str


_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')


def address_from_text(value: str) -> Address:
    """Read `"Name" <uri>;params`, `Name <uri>` or `uri;params`; of several the first. Raises CorruptError.

    >>> address_from_text('"Torres, Ana" <sip:0987654321@10.0.0.9;user=phone>;tag=1').uri
    'sip:0987654321@10.0.0.9;user=phone'
    """
    text, display = value.strip(), ""
    if text.startswith('"'):
        quoted = _QUOTED.match(text)
        if quoted is None:
            raise CorruptError("a name without its closing quote")
        display, text = re.sub(r"\\(.)", r"\1", quoted[1]), text[quoted.end() :].lstrip()
        if not text.startswith("<"):
            raise CorruptError("a name without an address")
    if "<" in text:
        before, _, after = text.partition("<")
        uri, close, rest = after.partition(">")
        if not close:
            raise CorruptError("an address without its end")
        return Address(display or before.strip(), uri.strip(), rest)
    uri, semicolon, rest = _upto_comma(text).partition(";")
    return Address("", uri.strip(), semicolon + rest)


def answer(request: SipMessage, status: int, reason: str, *, source: tuple[str, int], to_tag: str | None = None, more: str = "") -> bytes:
    """A response (8.2.6): Vias as they came, the first with where it really came from (18.2.1, RFC 3581). `more`: further header lines."""
    out = [f"SIP/2.0 {status} {reason}"]
    named = request.via.host.strip("[]")
    host, port = source
    top = True
    for name, value in request.headers:
        if name == "via":
            out.append("Via: " + (_received(request.via, value, host if host != named else None, host, port) if top else value))
            top = False
        elif name == "from":
            out.append(f"From: {value}")
        elif name == "to":
            out.append(f"To: {value}" + (f";tag={to_tag}" if to_tag is not None and request.to_tag is None else ""))
        elif name == "record-route" and 100 < status < 300:
            out.append(f"Record-Route: {value}")
    out += [f"Call-ID: {request.call_id}", f"CSeq: {request.cseq} {request.cseq_method}"]
    return ("\r\n".join(out) + "\r\n" + more + "Content-Length: 0\r\n\r\n").encode("utf-8", "surrogateescape")


def _received(via: Via, value: str, received: str | None, host: str, port: int) -> str:
    kept = [part for part in via.rest.split(";")[1:] if part.partition("=")[0].strip().lower() not in ("received", "rport")]
    if via.rport:
        kept += [f"received={host}", f"rport={port}"]
    elif received is not None:
        kept.append(f"received={received}")
    at = value.find(via.rest) if via.rest else len(value)
    head = value[:at].rstrip() if via.rest else _upto_comma(value).rstrip()
    behind = value[at + len(via.rest) :] if via.rest else value[len(_upto_comma(value)) :]
    return "".join([head, *(f";{part}" for part in kept), behind])
