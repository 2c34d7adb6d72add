"""Decides what goes into the archive for support, and that nothing of people or secrets does: counts and states, never events.

One .tar.gz of text files: the findings, the configuration, the journal's account, health, the services' last lines, the kernel's lines of
USB, cards and power, versions. Each goes through `redact`.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from appliance.box.model import model_of
from appliance.core.config import Config
from appliance.core.errors import TransientError
from appliance.doctor.redact import redacted, redacted_json

_WAIT_S: Final = 20.0
#: Of each text so much, from its end.
_MOST: Final = 512 * 1024
_LOG_LINES: Final = 2000
_KERNEL: Final = re.compile(r"usb|mmc|voltage|throttl|ext4|I/O error|oom|out of memory|watchdog|thermal|hid|tty(USB|ACM)|spi|gpio", re.I)
_KERNEL_LINES: Final = 500


def write(path: Path, config: Config | None, file: Path, doctor: Mapping[str, Any], root: Path = Path("/")) -> tuple[str, ...]:
    """Make the archive, readable by whoever asks alone; the names in it. Raises TransientError where it cannot be written.

    `doctor` is what `callfloor doctor --json` says.
    """
    secrets = tuple(secrets_of(config, file)) if config is not None else ()
    part = path.with_name(path.name + ".part")
    try:
        # First, so that a place that cannot be written to is told before anything is collected.
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as out:
            made = dict(_texts(config, file, doctor, root))
            archived(out, made, secrets)
        part.replace(path)
    except OSError as fault:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise TransientError(f"{path} cannot be written: {fault.strerror}; name another place, as /tmp/support.tar.gz") from fault
    return tuple(made)


def archived(out: IO[bytes], texts: Mapping[str, str], secrets: tuple[str, ...]) -> None:
    """Write the archive, each text without what must not leave. Raises OSError."""
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in texts.items():
            data = _clean(name, text, secrets).encode("utf-8", "replace")
            entry = tarfile.TarInfo(f"callfloor-doctor/{name}")
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))


def _clean(name: str, text: str, secrets: tuple[str, ...]) -> str:
    if name.endswith(".json"):
        try:
            value = redacted_json(msgspec.json.decode(text.encode()), secrets)
        except msgspec.DecodeError:
            pass  # what was asked said in words why it has nothing to say
        else:
            return msgspec.json.format(msgspec.json.encode(value), indent=1).decode()
    return redacted(text[-_MOST:], secrets)


def secrets_of(config: Config, file: Path) -> Iterator[str]:
    """What stands in the files that the configuration names for secrets, line by line, and in its credentials folder: never to be sent."""
    named: set[Path] = set()

    def collect(value: object, key: str = "") -> None:
        if isinstance(value, dict):
            for name, each in value.items():
                collect(each, str(name))
        elif isinstance(value, list | tuple):
            for each in value:
                collect(each, key)
        elif isinstance(value, str) and key.endswith("_file") and key not in ("ca_file", "cert_file", "profile_file"):
            named.add(Path(value))

    collect(msgspec.to_builtins(config, enc_hook=str))
    with suppress(OSError):
        named.update((file.parent / "credentials").iterdir())
    for path in named:
        with suppress(OSError, UnicodeDecodeError):
            for line in path.read_text(encoding="utf-8")[:65536].splitlines():
                yield from (
                    word for word in (line.strip(), *re.split(r"[\s:=,]+", line)) if len(word) >= 4 and not word.startswith("-----")
                )


def _texts(config: Config | None, file: Path, doctor: Mapping[str, Any], root: Path) -> Iterator[tuple[str, str]]:
    yield "doctor.json", msgspec.json.format(msgspec.json.encode(doctor), indent=1).decode()
    yield file.name, _or_why(lambda: _without_comments(file.read_text(encoding="utf-8-sig")))
    yield "versions.txt", _versions(root)
    for name, words in (("journal.json", ("journal", "stats", "--json", "--kinds")), ("version.json", ("version", "--json"))):
        yield name, _said((sys.executable, "-m", "appliance.cli.main", *words, *(("-c", str(file)) if words[0] == "journal" else ())))
    if config is not None:
        yield "health.json", _or_why(lambda: _health(file))
    yield "services.txt", _said(("systemctl", "--no-pager", "--full", "status", "callfloor*", "--lines=0"))
    yield "log.txt", _said(("journalctl", "--no-pager", "-u", "callfloor*", "-n", str(_LOG_LINES), "-o", "short-iso"))
    kernel = [line for line in _said(("dmesg", "--time-format", "iso")).splitlines() if _KERNEL.search(line)]
    yield "kernel.txt", "\n".join(kernel[-_KERNEL_LINES:]) or "nothing of USB, cards or power, or no right to look: run this as root"


def _health(file: Path) -> str:
    """The floor's health, links and account; none of its calls, callers or agents."""
    said = _said((sys.executable, "-m", "appliance.cli.main", "status", "--json", "-c", str(file)))
    try:
        shot = msgspec.json.decode(said.encode(), type=dict[str, Any])
    except msgspec.DecodeError:
        return said
    kept = {name: shot.get(name) for name in ("time", "clock", "health", "pbx", "crm", "open")}
    return msgspec.json.format(msgspec.json.encode(kept), indent=1).decode()


def _versions(root: Path) -> str:
    release = _or_why(lambda: (root / "etc/os-release").read_text(encoding="utf-8"))
    return (
        f"board: {model_of(root) or 'not told'}\nkernel: {' '.join(os.uname()[i] for i in (0, 2, 3, 4))}\npython: {sys.version}\n{release}"
    )


def _without_comments(text: str) -> str:
    """A technician writes into comments what is nobody's business."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def _said(command: tuple[str, ...]) -> str:
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_WAIT_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        return f"{command[0]}: {fault}"
    return ended.stdout or ended.stderr


def _or_why(text: Callable[[], str]) -> str:
    try:
        return text()
    except (OSError, UnicodeDecodeError) as fault:
        return f"not to be had: {fault}"
