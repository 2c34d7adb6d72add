"""The data partition's first start and every other, as the initrd asks for them: the script itself, cryptsetup, systemd and a TPM (swtpm) for
real. Only the opened device is a file, as no device-mapper can be reckoned with where this runs; `make image-test` (scenario `tpm`) has one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "images"))

import filesystem  # noqa: E402

SCRIPT = PROJECT / "images/overlay/usr/lib/callfloor/open-data"
PATHS = f"{os.environ['PATH']}:/usr/sbin:/sbin"
_TOOLS = ("cryptsetup", "systemd-cryptenroll", "swtpm", "swtpm_setup", "mtype", "mke2fs")
pytestmark = [
    pytest.mark.skipif(any(shutil.which(tool, path=PATHS) is None for tool in _TOOLS), reason="not installed: .ci/setup machine"),
    pytest.mark.skipif(os.geteuid() != 0, reason="files of several owners are made: run as root"),
]
#: `open` gives a file instead of a device once the key is right: by the TPM where there is one, or by the recovery key.
STUB = """#!/bin/sh
case "$*" in
"open "*--token-only*) [ -e "$CALLFLOOR_SYS/class/tpmrm/tpmrm0" ] && [ ! -e "$CALLFLOOR_SYS/other" ] || {{ echo 'no token opens it'; exit 2; }} ;;
"open "*--key-file*) {real} open --test-passphrase --disable-external-tokens --key-file "$5" "$6" || exit 2 ;;
"close "*) exit 0 ;;
*) exec {real} "$@" ;;
esac
truncate -s 240M "$CALLFLOOR_MAPPER/callfloor-data"
"""
FOLDERS = "755 0 0 etc\n755 0 0 lib\n750 871 871 lib/callfloor\n"


def free_ports() -> int:
    """Two in a row that nobody listens on at this moment: the first."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port = int(first.getsockname()[1])
            with suppress(OSError, OverflowError), socket.create_server(("127.0.0.1", port + 1)):
                return port


class Machine:
    """A partition in a file, a CONFIG, a chip or none."""

    def __init__(self, root: Path) -> None:
        self.root, self.data, self.config, self.told = root, root / "data", root / "config", root / "told"
        filesystem.ext4(self.data, 256, "data", (filesystem.Folder("lib"),), 1_790_000_001)
        filesystem.fat(self.config, 64, "CONFIG", "c4f1c0f1", {"autoboot.txt": b"x"}, 1_790_000_001)
        (root / "folders").write_text(FOLDERS)
        for folder in ("bin", "mapper", "sys"):
            (root / folder).mkdir()
        self.stub("cryptsetup", STUB.format(real=shutil.which("cryptsetup", path=PATHS)))
        for name in ("modprobe", "sleep"):
            self.stub(name, "#!/bin/sh\n")
        self.stub("systemd-repart", "#!/bin/sh\nexit 0\n")
        self.tpm: Path | None = None

    def stub(self, name: str, text: str) -> None:
        path = self.root / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def chip(self, tpm: Path | None) -> None:
        """None: one that the kernel shows, and that does not work."""
        self.tpm = tpm
        (self.root / "sys/class/tpmrm/tpmrm0").mkdir(parents=True)

    def pull_chip(self) -> None:
        shutil.rmtree(self.root / "sys/class")

    def start(self) -> tuple[str, str, str]:
        """The device that is to be mounted, the state, and why."""
        shutil.rmtree(self.told, ignore_errors=True)
        (self.root / "mapper/callfloor-data").unlink(missing_ok=True)
        told = {
            "CALLFLOOR_PATH": f"{self.root}/bin:", "CALLFLOOR_DATA_TOLD": str(self.told), "CALLFLOOR_DATA_FOLDERS": f"{self.root}/folders",
            "CALLFLOOR_SYS": f"{self.root}/sys", "CALLFLOOR_MAPPER": f"{self.root}/mapper", "CALLFLOOR_CHIP": f"{self.root}/tpmrm0",
        }  # fmt: skip
        (self.root / "tpmrm0").touch()
        with powered(self.tpm, self.root / "chip") as chip:
            done = subprocess.run(
                [SCRIPT, self.data, self.config], check=False, capture_output=True, text=True,
                env={**os.environ, **told, "CALLFLOOR_TPM": chip},
            )  # fmt: skip
        state, why = (self.told / "state").read_text().strip(), self.told / "why"
        assert not (self.told / "work").exists(), "keys are left in memory"
        assert (done.returncode == 0) == (state != "locked"), done.stderr
        return done.stdout.strip(), state, why.read_text().strip() if why.exists() else ""

    def seen(self) -> str:
        """Keyslots of the partition by kind."""
        said = subprocess.run(["systemd-cryptenroll", str(self.data)], check=True, capture_output=True, text=True).stdout
        return " ".join(sorted(re.findall(r"\b(tpm2|recovery|password)\b", said)))

    def sealed(self) -> list[str]:
        """What the TPM is asked to open, as it stands in the header (LUKS2 on-disk format 1.1.2, chapter 3)."""
        with self.data.open("rb") as file:
            header = file.read(16384)
        tokens = json.loads(header[4096:].split(b"\0")[0])["tokens"]
        return [each["tpm2-blob"] for each in tokens.values() if each["type"] == "systemd-tpm2"]

    def recovery_key(self) -> str:
        said = subprocess.run(
            ["/usr/sbin/debugfs", "-R", "cat recovery-key", self.root / "mapper/callfloor-data"], check=True, capture_output=True, text=True
        )
        return said.stdout.strip()

    def put_key(self, text: str) -> None:
        (self.root / "key").write_text(text)
        subprocess.run(["mcopy", "-o", "-i", self.config, self.root / "key", "::callfloor-recovery-key.txt"], check=True)

    def first_sector(self) -> bytes:
        with self.data.open("rb") as file:
            return file.read(512)

    def whole(self, file: Path) -> bool:
        return subprocess.run(["/usr/sbin/e2fsck", "-fn", file], check=False, capture_output=True).returncode == 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture(scope="module")
def tpm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a chip remembers."""
    folder = tmp_path_factory.mktemp("chip")
    words = ["swtpm_setup", "--tpm2", "--tpmstate", str(folder), "--logfile", str(folder / "setup.log")]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return folder


@contextmanager
def powered(chip: Path | None, scratch: Path) -> Iterator[str]:
    """The chip from this start on, by the words that libtss2 finds it with; None: it does not answer. What it counts of cuts is forgotten:
    it is forgiven by a line that only the kernel has."""
    port = free_ports()
    if chip is None:
        yield f"swtpm:host=127.0.0.1,port={port}"
        return
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(chip, scratch)
    # libtss2 reckons the line of control to be at the next one.
    lines = [f"--{name}=type=tcp,port={port + at},bindaddr=127.0.0.1" for at, name in enumerate(("server", "ctrl"))]
    words = ["setpriv", "--pdeathsig", "KILL", "swtpm", "socket", "--tpm2", f"--tpmstate=dir={scratch}", *lines]
    with subprocess.Popen([*words, "--flags=not-need-init,startup-clear"]) as running:
        try:
            while True:
                # A connection to the other line would be the one that it serves.
                with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port + 1)):
                    break
                assert running.poll() is None
                time.sleep(0.01)
            yield f"swtpm:host=127.0.0.1,port={port}"
        finally:
            running.kill()


def test_the_mark_is_the_one_that_the_build_writes() -> None:
    assert f"blank='{filesystem.BLANK.decode()}'" in SCRIPT.read_text()


def test_without_a_tpm_the_partition_is_used_as_it_is(machine: Machine) -> None:
    assert machine.first_sector().startswith(filesystem.BLANK)
    assert machine.start() == (str(machine.data), "plain", "")
    assert machine.first_sector() == bytes(512)
    assert machine.whole(machine.data)


def test_with_one_it_is_encrypted_before_anything_is_kept(machine: Machine, tpm: Path) -> None:
    machine.chip(tpm)
    opened = str(machine.root / "mapper/callfloor-data")
    assert machine.start() == (opened, "sealed", "")
    assert machine.seen() == "recovery tpm2"
    assert machine.whole(Path(opened))
    said = subprocess.run(["/usr/sbin/debugfs", "-R", "stat lib/callfloor", opened], check=True, capture_output=True, text=True).stdout
    assert re.search(r"User:\s+871", said)
    assert re.search(r"Mode:\s+0750", said)
    assert re.fullmatch(r"([cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}", machine.recovery_key())
    assert machine.start() == (opened, "sealed", "")


def test_a_power_cut_is_no_guess_at_a_password(machine: Machine, tpm: Path) -> None:
    """What goes to the chip itself, each written from the file's start: first the lock is reset, last it is told to rest."""
    machine.chip(tpm)
    machine.start()
    # TPM 2.0 Library, part 3: 25.2 TPM2_DictionaryAttackLockReset, with TPM_RH_LOCKOUT and an empty password (TPM_RS_PW); 9.4 TPM2_Shutdown.
    reset = bytes.fromhex("8002 0000001b 00000139 4000000a 00000009 40000009 0000 00 0000")
    rest = bytes.fromhex("8001 0000000c 00000145 0000")
    assert len(reset) == 0x1B
    assert len(rest) == 0x0C
    assert (machine.root / "tpmrm0").read_bytes() == rest + reset[len(rest) :]


@pytest.mark.parametrize("tool", ["cryptsetup", "systemd-cryptenroll", "mke2fs", "dd"])
def test_a_cut_at_any_program_leaves_the_mark_and_the_next_start_begins_anew(machine: Machine, tpm: Path, tool: str) -> None:
    """The program goes down with the whole script, as everything does at a cut, at its first and later calls."""
    machine.chip(tpm)
    real = shutil.which(tool, path=f"{machine.root}/bin:{PATHS}")
    (machine.root / "was").mkdir()
    if tool == "cryptsetup":
        (machine.root / "bin/cryptsetup").rename(machine.root / "was/cryptsetup")
        real = str(machine.root / "was/cryptsetup")
    cuts = {"cryptsetup": 2, "systemd-cryptenroll": 3, "mke2fs": 1, "dd": 3}[tool]
    count, limit = machine.root / "count", machine.root / "limit"
    machine.stub(
        tool, f'#!/bin/sh\necho >>{count}\n[ $(wc -l <{count}) -lt $(cat {limit}) ] || {{ kill -9 $PPID; exit 1; }}\nexec {real} "$@"\n'
    )
    for cut in range(1, cuts + 1):
        count.unlink(missing_ok=True)
        limit.write_text(str(cut))
        with pytest.raises(FileNotFoundError):
            machine.start()
        assert machine.first_sector().startswith(filesystem.BLANK), f"{tool}, call {cut}"
    limit.write_text("1000000")
    assert machine.start()[1] == "sealed"
    assert machine.seen() == "recovery tpm2"


def test_a_cut_and_then_no_tpm_is_a_plain_box(machine: Machine, tpm: Path) -> None:
    """The half-made encryption went over the empty file system."""
    machine.chip(tpm)
    with machine.data.open("r+b") as file:
        file.seek(512)
        file.write(b"\xa5" * 3_000_000)
    machine.pull_chip()
    assert machine.start() == (str(machine.data), "plain", "")
    assert machine.whole(machine.data)


def test_a_tpm_that_fails_is_told_and_the_box_is_plain(machine: Machine) -> None:
    machine.chip(None)
    device, state, why = machine.start()
    assert (device, state) == (str(machine.data), "plain")
    assert why.startswith("a TPM is here, and the data partition could not be encrypted: ")
    assert machine.whole(machine.data)


def test_what_is_used_already_is_never_touched(machine: Machine, tpm: Path) -> None:
    """A box from before, or one that was plain at its first start, gets a TPM."""
    machine.start()
    before = machine.data.read_bytes()
    machine.chip(tpm)
    assert machine.start() == (str(machine.data), "plain", "")
    assert machine.data.read_bytes() == before


@pytest.mark.parametrize("other", [False, True])
def test_away_from_its_tpm_it_stays_shut_until_the_recovery_key_is_there(machine: Machine, tpm: Path, other: bool) -> None:
    machine.chip(tpm)
    machine.start()
    key = machine.recovery_key()
    if other:
        (machine.root / "sys/other").touch()
    else:
        machine.pull_chip()
    before = machine.data.read_bytes()
    device, state, why = machine.start()
    assert (device, state) == ("", "locked")
    assert ("another TPM" if other else "this machine has none") in why
    machine.put_key("cccccccc-" * 7 + "cccccccc\n")
    assert machine.start()[2].endswith("the key in callfloor-recovery-key.txt does not open it")
    assert machine.data.read_bytes() == before
    # As a person types it, on a PC that writes a byte-order mark and its own ends of lines.
    machine.put_key(f"\ufeff{key.upper().replace('-', ' ')}\r\n")
    was = machine.sealed()
    device, state, _ = machine.start()
    assert device
    assert state == ("resealed" if other else "by-key")
    assert machine.seen() == "recovery tpm2"
    assert len(machine.sealed()) == 1
    assert (machine.sealed() != was) == other
