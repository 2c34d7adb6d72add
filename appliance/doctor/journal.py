"""Decides how the journal is: whether it can be read, where it lies, how full it and its disk are, what the CRM never got."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.config import Config
from appliance.core.journal import Limits
from appliance.doctor.finding import Finding, Scene
from appliance.runner_house import disk_health, journal_health

LIMIT_S: Final = 30.0
_MOUNTS: Final = Path("/proc/self/mounts")
#: File systems whose locks and flushes do not hold what the journal needs.
_REMOTE: Final = frozenset(("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "fuse.sshfs", "fuse.glusterfs", "ncpfs", "afs"))
_START: Final = "sudo systemctl start callfloor.target"


class Stats(Struct, frozen=True):
    """What `callfloor journal stats --json` says, as far as it matters here. Skipped: given up after three tries."""

    last_seq: int
    bytes: int
    wal_bytes: int
    pressure: bool
    account: dict[str, int]


class JournalFacts(Struct, frozen=True):
    """What was seen. `stats` None: it could not be read, and `fault` says why; `there`: whether the file is."""

    path: Path
    there: bool
    max_bytes: int
    mount: str = "/"
    kind: str = ""
    free_bytes: int | None = None
    stats: Stats | None = None
    fault: str = ""


def wanted(config: Config) -> bool:
    """Always."""
    return True


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    return judge(probe(scene.config), scene.file)


def probe(config: Config) -> JournalFacts:
    """Look at its place, and let a process of its own open it: as root that one becomes the file's owner."""
    path = config.journal.path
    folder = next(each for each in path.parents if each.is_dir())
    mount, kind = file_system_of(folder, _MOUNTS.read_text(encoding="utf-8", errors="replace"))
    facts = JournalFacts(path, path.exists(), config.journal.max_bytes, mount, kind, shutil.disk_usage(folder).free)
    if not facts.there:
        return facts
    command = [sys.executable, "-m", "appliance.cli.main", "journal", "stats", "--json", "--journal", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False, stdin=subprocess.DEVNULL)
    try:
        return msgspec.structs.replace(facts, stats=msgspec.json.decode(said.stdout, type=Stats))
    except msgspec.DecodeError:
        last = (said.stderr.strip().splitlines() or [f"exit code {said.returncode}"])[-1]
        return msgspec.structs.replace(facts, fault=last.removeprefix("callfloor journal: "))


def judge(facts: JournalFacts, file: Path) -> tuple[Finding, ...]:
    """What follows."""
    found = [*_place(facts), *_content(facts, file)]
    if not found and facts.stats is not None:
        size = f"{facts.stats.bytes / 1024**2:,.1f} of {facts.max_bytes / 1024**2:,.0f} MiB"
        text = f"{facts.path}: {facts.stats.last_seq:,} events written; {size}"
        found = [Finding("journal", "ok", "it can be read, and has room", text)]
    return tuple(found)


def _place(facts: JournalFacts) -> list[Finding]:
    found = []
    if facts.kind in _REMOTE:
        text = f"{facts.path} is on {facts.kind}"
        what, so = "it lies on a network share", "after a power cut events may be missing, or the file damaged"
        found.append(Finding("journal", "red", what, text, so, "write a path on a local disk: [journal] path = …"))
    disk = disk_health(facts.free_bytes) if facts.free_bytes is not None else None
    if disk is not None and disk.level != "ok":
        text = disk.text.partition(";")[0]
        so = "events will be refused when the disk is full"
        found.append(Finding("journal", disk.level, "its disk is nearly full", text, so, f"sudo du -xh --max-depth=2 {facts.mount}"))
    return found


def _content(facts: JournalFacts, file: Path) -> list[Finding]:
    if not facts.there:
        so = "no service has run with this configuration, or it looks elsewhere"
        return [Finding("journal", "amber", "there is none yet", f"no file {facts.path}", so, _START)]
    if facts.stats is None:
        so = "nothing can be said of what it holds; a damaged one is set aside whole at the next start, and a new one begun"
        return [Finding("journal", "red", "it cannot be read", facts.fault, so, f"sudo callfloor journal verify -c {file}")]
    found = []
    stats = facts.stats
    grown = journal_health(Limits(stats.bytes, facts.max_bytes, 0, wal_bytes=stats.wal_bytes))
    if grown.level != "ok":
        so, mend = "it grows beyond its budget and its disk", "sudo systemctl restart 'callfloor@*'"
        found.append(Finding("journal", grown.level, "its log does not shrink", grown.text.partition(";")[0], so, mend))
    full = journal_health(Limits(stats.bytes, facts.max_bytes, 0, pressure=stats.pressure))
    if full.level != "ok":
        so, mend = "when it is full the oldest events go, also those that the CRM has not got", f"callfloor journal stats --kinds -c {file}"
        found.append(Finding("journal", full.level, "its budget is nearly used up", full.text, so, mend))
    if skipped := stats.account.get("skipped"):
        text = f"{skipped} of {stats.account.get('recorded')} were given up after three tries"
        mend = f"callfloor journal export --kind journal.skipped -c {file}"
        found.append(Finding("journal", "amber", "the broker would not take some events", text, "the CRM has not got these", mend))
    return found


def file_system_of(path: Path, mounts: str) -> tuple[str, str]:
    """Where the file system of a folder is mounted, and its type, from the text of /proc/mounts; an empty type: not told.

    >>> file_system_of(Path("/srv/a"), "/dev/sda1 / ext4 rw 0 0\\nnas:/x /srv nfs4 rw 0 0\\n")
    ('/srv', 'nfs4')
    """
    best, kind = Path("/"), ""
    for line in mounts.splitlines():
        words = line.split(" ")
        mount = Path(words[1].replace("\\040", " ")) if len(words) > 2 else path / "none"
        if (mount == path or mount in path.parents) and len(mount.parts) >= len(best.parts):
            best, kind = mount, words[2]
    return str(best), kind
