"""Decides how a file comes to the box: resumed where it broke off, never larger than agreed, on the disk before it counts.

HTTP ranges (RFC 9110, 14): a part that is there is continued with `Range` and, where the server named one, `If-Range` with its ETag; a
server that sends the whole again starts it anew. A power cut leaves a part, and the next call goes on with it. What is whole is not fetched
twice: the server is asked for what follows its end, and says that there is nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Final

from appliance.core.errors import CorruptError, FullError, MisconfiguredError, TransientError
from appliance.update.state import flush_folder

LARGEST: Final = 2 * 1024**3
#: Left free on the disk where the journal lies too.
_SPARE: Final = 100 * 1024**2
_PIECE: Final = 1024 * 1024
_FLUSH_EVERY: Final = 16
_SILENT_S: Final = 30.0
_TRIES: Final = 5

#: Called with bytes done and bytes in all (None: not told).
Seen = Callable[[int, int | None], object]


def is_url(source: str) -> bool:
    """Whether it is to be downloaded."""
    return source.startswith(("http://", "https://"))


def fetched(source: str, folder: Path, seen: Seen = lambda _done, _total: None, *, pause_s: float = 2.0, largest: int = LARGEST) -> Path:
    """The file at a URL, whole and flushed, in `folder`.

    Raises TransientError when it broke off too often (the part stays), FullError, MisconfiguredError for a URL without a file name,
    CorruptError when it is larger than agreed.
    """
    name = Path(urllib.parse.unquote(urllib.parse.urlsplit(source).path.rpartition("/")[2])).name
    if not name or name.startswith("."):
        raise MisconfiguredError(f"{source} names no file; write the whole address of the .raucb or .deb")
    folder.mkdir(parents=True, exist_ok=True)
    target, part = folder / name, folder / f"{name}.part"
    for others in folder.iterdir():
        if others not in (target, part, part.with_suffix(".etag")):
            others.unlink()  # a download that was given up: the disk has room for one
    if target.exists() and not part.exists():
        target.replace(part)  # here already, by a plan or before a cut: the server says whether it is the same still
    last: Exception | None = None
    for turn in range(_TRIES):
        if turn:
            time.sleep(pause_s)
        try:
            _continued(source, part, seen, largest)
        except urllib.error.HTTPError as fault:
            if fault.code < 500:
                raise TransientError(f"{source}: the server says {fault.code} {fault.reason}") from fault
            last = fault
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as fault:
            last = fault
        else:
            part.replace(target)
            flush_folder(folder)
            return target
    here = part.stat().st_size if part.exists() else 0
    raise TransientError(f"{source} broke off {_TRIES} times, {here:,} bytes are here; the same command goes on with it: {last}") from last


def _continued(source: str, part: Path, seen: Seen, largest: int) -> None:
    here = part.stat().st_size if part.exists() else 0
    tag_file = part.with_suffix(".etag")
    headers = {"User-Agent": "callfloor"}
    if here:
        headers["Range"] = f"bytes={here}-"
        if tag_file.exists():
            headers["If-Range"] = tag_file.read_text()
    try:
        answer = urllib.request.urlopen(urllib.request.Request(source, headers=headers), timeout=_SILENT_S)  # noqa: S310 - is_url
    except urllib.error.HTTPError as fault:
        if fault.code != 416:
            raise
        if "If-Range" in headers and fault.headers.get("Content-Range", "").strip() == f"bytes */{here}":
            return None  # it has as many bytes, and the tag holds, or there were an answer of 200 (RFC 9110, 13.1.5)
        # It is another file now: begin anew, its signature would tell but only at the end.
        part.unlink()
        return _continued(source, part, seen, largest)
    with answer:
        if answer.status != 206:
            here = 0
        if tag := answer.headers.get("ETag", ""):
            tag_file.write_text(tag)
        length = answer.headers.get("Content-Length")
        total = here + int(length) if length and length.isdigit() else None
        if total is not None and total > largest:
            raise CorruptError(f"{source} has {total:,} bytes, more than the {largest:,} that an update may have")
        room = shutil.disk_usage(part.parent).free - _SPARE
        if (total or 0) - here > room:
            raise FullError(
                f"{(total or 0) - here:,} bytes are to come, and the disk has room for {max(0, room):,}; free some: callfloor doctor"
            )
        _pour(answer, part, here, total, seen, largest)
    if total is not None and part.stat().st_size < total:
        raise TimeoutError(f"{total - part.stat().st_size:,} bytes are missing")
    return None


def _pour(answer: object, part: Path, here: int, total: int | None, seen: Seen, largest: int) -> None:
    read: Callable[[int], bytes] = answer.read  # type: ignore[attr-defined]
    with part.open("r+b" if here else "wb") as out:
        out.seek(here)
        out.truncate()
        pieces = 0
        while piece := read(_PIECE):
            here += len(piece)
            if here > largest:
                raise CorruptError(f"{part.name} has more than the {largest:,} bytes that an update may have")
            out.write(piece)
            pieces += 1
            if pieces % _FLUSH_EVERY == 0:
                out.flush()
                os.fsync(out.fileno())
            seen(here, total)
        out.flush()
        os.fsync(out.fileno())


def digest(file: Path) -> str:
    """SHA-256 of what the disk holds: its pages are let go first, so that it is read back and not remembered. Raises OSError."""
    with file.open("rb") as read:
        with suppress(OSError):  # a read-only medium (squashfs, ISO 9660) has nothing to flush and says EINVAL
            os.fsync(read.fileno())
        os.posix_fadvise(read.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return hashlib.file_digest(read, "sha256").hexdigest()
