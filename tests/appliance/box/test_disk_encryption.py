"""Is the disk under the journal encrypted, told from trees of /sys as machines have them; and the key that opens it without its TPM."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from appliance.box import encryption
from appliance.cli.main import main
from appliance.doctor.finding import Finding
from appliance.doctor.words import in_language

PLACE = Path("/var/lib/callfloor")
LUKS = "CRYPT-LUKS2-aa3563e4f491487e9b0665449f3236e4-callfloor-data\n"


class Machine:
    """A root with the kernel's files for one file system, at `/`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def file(self, name: str, text: str = "") -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def mounted(self, number: str, device: str, kind: str = "ext4", place: str = "/var/lib/callfloor") -> None:
        text = f"20 1 259:4 / / ro - squashfs /dev/nvme0n1p4 ro\n36 20 {number} /lib/callfloor {place} rw - {kind} {device} rw\n"
        self.file("proc/self/mountinfo", text)

    def block(self, path: str, number: str, under: Sequence[str] = (), **dm: str) -> None:
        folder = self.root / "sys/devices" / path
        folder.mkdir(parents=True, exist_ok=True)
        for link in (self.root / "sys/dev/block" / number, self.root / "sys/class/block" / folder.name):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(folder)
        if dm:
            (self.root / "sys/block").mkdir(parents=True, exist_ok=True)
            (self.root / "sys/block" / folder.name).symlink_to(folder)
        (folder / "slaves").mkdir(exist_ok=True)
        for each in under:
            (folder / "slaves" / Path(each).name).symlink_to(self.root / "sys/devices" / each)
        for name, text in dm.items():
            self.file(f"sys/devices/{path}/dm/{name}", text)

    def disk(self) -> None:
        self.block("pci/nvme0n1", "259:0")
        self.block("pci/nvme0n1/nvme0n1p6", "259:6")
        self.file("sys/devices/pci/nvme0n1/nvme0n1p6/partition", "6\n")

    def opened(self, number: str = "253:0") -> None:
        self.disk()
        self.block("virtual/block/dm-0", number, ["pci/nvme0n1/nvme0n1p6"], uuid=LUKS, name="callfloor-data\n")

    def tpm(self) -> None:
        (self.root / "sys/class/tpmrm/tpmrm0").mkdir(parents=True)

    def started(self, state: str, why: str = "") -> None:
        self.file("run/callfloor-data/state", f"{state}\n")
        if why:
            self.file("run/callfloor-data/why", f"{why}\n")

    def found(self) -> Finding:
        (found,) = encryption.judge(encryption.read(PLACE, self.root))
        assert found.item == "data_encryption"
        assert found.level == "ok" or (found.evidence and found.consequence and found.mend)
        for language in ("es", "pt"):
            said = in_language(found, language)
            assert said.finding != found.finding
            assert found.level == "ok" or (said.consequence != found.consequence and said.mend != found.mend)
        return found


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_box_whose_data_a_tpm_keeps(machine: Machine) -> None:
    machine.opened()
    machine.mounted("253:0", "/dev/mapper/callfloor-data")
    machine.tpm()
    machine.started("sealed")
    machine.file("data/recovery-key", "itfchnlc\n")
    found = machine.found()
    assert (found.level, found.finding) == ("amber", "encrypted and sealed to the TPM, and nobody has noted the recovery key")
    assert "(callfloor-data, CRYPT-LUKS2)" in found.evidence
    machine.file("data/recovery-key.noted")
    assert machine.found().level == "ok"
    assert machine.found().finding == "encrypted, and the key is sealed to the TPM"


def test_no_tpm(machine: Machine) -> None:
    machine.disk()
    machine.mounted("259:6", "/dev/nvme0n1p6")
    machine.started("plain")
    assert (machine.found().level, machine.found().finding) == ("amber", "not encrypted: this machine has no TPM")


@pytest.mark.parametrize("image", [True, False])
def test_a_tpm_and_a_plain_disk(machine: Machine, image: bool) -> None:
    machine.disk()
    machine.mounted("259:6", "/dev/nvme0n1p6")
    machine.tpm()
    if image:
        machine.started("plain")
    found = machine.found()
    assert (found.level, found.finding) == ("amber", "not encrypted, though this machine has a TPM")
    assert ("restore" in found.mend) == image


def test_why_the_first_start_could_not_encrypt_is_told_by_later_ones(machine: Machine) -> None:
    machine.disk()
    machine.mounted("259:6", "/dev/nvme0n1p6")
    machine.tpm()
    machine.started("plain")
    machine.file("data/encryption-failed", "a TPM is here, and the data partition could not be encrypted: it is locked out\n")
    assert "it is locked out" in machine.found().evidence


def test_locked(machine: Machine) -> None:
    machine.mounted("0:30", "data", "tmpfs")
    machine.started("locked", "its key is sealed to a TPM, and this machine has none")
    found = machine.found()
    assert (found.level, found.evidence) == ("red", "its key is sealed to a TPM, and this machine has none")
    assert "callfloor-recovery-key.txt" in found.mend


def test_a_key_on_config_is_told(machine: Machine) -> None:
    machine.opened()
    machine.mounted("253:0", "/dev/mapper/callfloor-data")
    machine.started("by-key", "its key is sealed to a TPM, and this machine has none")
    assert machine.found().finding == "the data partition is encrypted, and its key lies beside it"


def test_an_encrypted_root_of_another_installation(machine: Machine) -> None:
    """LVM on LUKS, as Debian's installer makes it."""
    machine.opened("254:0")
    machine.block("virtual/block/dm-1", "254:1", ["virtual/block/dm-0"], uuid="LVM-x\n", name="vg-root\n")
    machine.mounted("254:1", "/dev/mapper/vg-root", place="/")
    assert (machine.found().level, machine.found().finding) == ("ok", "its disk is encrypted")


def test_a_file_system_without_a_number_of_its_own_is_found_by_name(machine: Machine) -> None:
    machine.opened()
    machine.mounted("0:41", "/dev/mapper/callfloor-data", "btrfs")
    assert machine.found().finding == "its disk is encrypted"


def test_what_cannot_be_told_is_not_judged(machine: Machine) -> None:
    machine.mounted("0:41", "overlay", "overlay")
    assert machine.found().finding == "whether its disk is encrypted cannot be told"
    machine.mounted("0:42", "tmpfs", "tmpfs")
    assert machine.found().finding == "it is kept in memory alone"


# -- the verb ------------------------------------------------------------------


def test_the_recovery_key_is_shown_and_noted(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.file("data/recovery-key", "itfchnlc-ledfdjev\n")
    assert main(["recovery", "--root", str(machine.root)]) == 0
    assert capsys.readouterr().out == "itfchnlc-ledfdjev\n"
    assert (machine.root / "data/recovery-key.noted").exists()


def test_without_one_it_says_so(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recovery", "--root", str(machine.root)]) == 1
    assert "only a box of the image has one" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_others_than_root_are_refused(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.file("data/recovery-key", "x\n")
    (machine.root / "data/recovery-key").chmod(0)
    assert main(["recovery", "--root", str(machine.root)]) == 1
    assert "sudo callfloor recovery" in capsys.readouterr().err
