"""The image's pure parts: which driver is loaded when, what the disk's tables say, what must not be in a system."""

from __future__ import annotations

import fnmatch
import gzip
import io
import re
import subprocess
import sys
import tarfile
from itertools import pairwise
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "images"))

import filesystem  # noqa: E402
import firmware  # noqa: E402
import hygiene  # noqa: E402
import initrd  # noqa: E402
import layout  # noqa: E402
import recipe  # noqa: E402


def test_drivers_come_after_what_they_need() -> None:
    dependencies = "kernel/nvme.ko: kernel/nvme-core.ko kernel/t10-pi.ko\nkernel/nvme-core.ko: kernel/t10-pi.ko\nkernel/t10-pi.ko:\n"
    assert initrd.load_order(dependencies, ["nvme"]) == ["kernel/t10-pi.ko", "kernel/nvme-core.ko", "kernel/nvme.ko"]


def test_a_driver_that_is_missing_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "modules.dep").write_text("kernel/ext4.ko:\n")
    (tmp_path / "modules.builtin").write_text("kernel/fs/squashfs/squashfs.ko\n")
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel/ext4.ko").write_bytes(b"ext4")
    assert initrd.build(tmp_path, ["squashfs", "ext4"], {"busybox": b"b"}, b"i")
    with pytest.raises(SystemExit, match="no module overlay"):
        initrd.build(tmp_path, ["overlay"], {"busybox": b"b"}, b"i")


def test_cpio_reads_the_initrd(tmp_path: Path) -> None:
    """By GNU cpio, which knows nothing of ours; built twice it is the same."""
    (tmp_path / "modules.dep").write_text("kernel/ext4.ko:\n")
    (tmp_path / "modules.builtin").write_text("")
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel/ext4.ko").write_bytes(b"\x7fELF driver")
    made = [initrd.build(tmp_path, ["ext4"], {"busybox": b"bb"}, b"#!/bin/busybox sh\n") for _ in range(2)]
    assert made[0] == made[1]
    listed = subprocess.run(["cpio", "-tv", "--quiet"], input=gzip.decompress(made[0]), capture_output=True, check=True).stdout.decode()
    assert re.search(r"^-rwxr-xr-x .* 18 .* init$", listed, re.MULTILINE), listed
    assert re.search(r"^crw------- .* 5, *1 .* dev/console$", listed, re.MULTILINE), listed
    assert re.search(r"^-rwxr-xr-x .* sbin/modprobe$", listed, re.MULTILINE), listed
    assert "modules/000-ext4.ko" in listed


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_partitions_lie_one_after_the_other_and_both_slots_are_alike(architecture: str) -> None:
    parts = layout.partitions(architecture)
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    ends = [(layout.offset_mib(architecture, part.name), part.size_mib) for part in parts]
    assert all(start + size == after for (start, size), (after, _) in pairwise(ends))
    sizes = {part.name: part.size_mib for part in parts}
    assert sizes["boot_a"] == sizes["boot_b"]
    assert sizes["system_a"] == sizes["system_b"]
    # What grows is the last, and the only one of its kind: systemd-repart must take no other.
    assert parts[-1].name == "data"
    assert [part.kind for part in parts].count(parts[-1].kind) == 1
    assert len({part.guid for part in parts}) == len(parts)


def test_the_pi_s_firmware_is_told_of_nothing_that_the_build_does_not_put_there() -> None:
    told = dict(line.partition("=")[::2] for line in firmware.CONFIG_TXT.splitlines() if "=" in line and not line.startswith("#"))
    assert told["kernel"] == "vmlinuz"
    assert "initramfs initrd.img followkernel" in firmware.CONFIG_TXT
    assert not {"dtoverlay", "dtparam", "device_tree", "os_prefix"} & told.keys()
    assert told["upstream_kernel"] == "1"


@pytest.mark.parametrize("slot", ["A", "B"])
def test_the_slot_is_said_alike_by_both_firmwares(slot: str) -> None:
    number = firmware.BOOT_PARTITION[slot]
    assert layout.partitions("arm64")[number - 1].name == f"boot_{slot.lower()}"
    text = firmware.autoboot(slot)
    assert text.split("[tryboot]")[0].endswith(f"boot_partition={number}\n")
    assert text.endswith(f"boot_partition={firmware.BOOT_PARTITION[firmware.other(slot)]}\n")
    block = firmware.grubenv(slot, tryboot=True)
    assert len(block) == 1024
    assert f"\nboot_partition={number}\ntryboot=1\n".encode() in block
    assert f"root=PARTLABEL=system_{slot.lower()} rauc.slot={slot} " in firmware.cmdline("ro", slot)


def test_a_block_that_is_too_long_for_grub_is_refused() -> None:
    with pytest.raises(ValueError, match="1024"):
        firmware.grubenv("A", arguments="x" * 1024)


def test_grub_clears_the_trial_before_it_starts_anything() -> None:
    """A trial that panics must find the flag gone: the order of these lines is the rollback."""
    text = firmware.GRUB_CFG
    assert text.index("save_env") < text.index("\nlinux ")


STAINED = {
    "etc/ssh/ssh_host_ed25519_key": b"PRIVATE",
    "etc/hostname": b"builder\n",
    "etc/machine-id": b"0123456789abcdef0123456789abcdef\n",
    "etc/apt/sources.list": b"deb http://10.0.0.1/mirror bookworm main\n",
    "root/.ssh/authorized_keys": b"ssh-ed25519 AAAA builder\n",
    "root/.bash_history": b"ls\n",
    "var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages": b"Package: a\n",
    "var/cache/apt/pkgcache.bin": b"x",
    "var/log/dpkg.log": b"installed\n",
    "var/log/wtmp": b"x",
    "var/lib/systemd/random-seed": b"x",
    "var/lib/dpkg/status-old": b"x",
    "tmp/left": b"x",
    "etc/shadow": b"root::19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n",
    "var/lib/callfloor/journal.db": b"x",
    "opt/callfloor/lib/a.pyc": b"\xcb\r /srv/builder-tree/appliance/a.py",
}
CLEAN = {
    "etc/hostname": hygiene.HOSTNAME.encode(),
    "etc/machine-id": b"",
    "etc/apt/sources.list": hygiene.SOURCES.encode(),
    "etc/shadow": b"root:*:19000:0:99999:7:::\ndaemon:!*:19000:0:99999:7:::\n",
    "usr/bin/callfloor": b"#!/opt/callfloor/bin/python3\n",
    "var/log/wtmp": b"",
}


def tar_of(files: dict[str, bytes], path: Path) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_every_stain_is_found_and_named(tmp_path: Path) -> None:
    found = {stain.path for stain in hygiene.stains(hygiene.in_tar(tar_of(STAINED, tmp_path / "a.tar")), ("/srv/builder-tree",))}
    assert found == set(STAINED)


def test_a_clean_system_has_none(tmp_path: Path) -> None:
    assert list(hygiene.stains(hygiene.in_tar(tar_of(CLEAN, tmp_path / "a.tar")), ("/srv/builder-tree",))) == []


def test_scrubbing_takes_away_all_that_would_be_found(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name, content in STAINED.items():
        if name not in ("etc/shadow", "opt/callfloor/lib/a.pyc"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
    for folder in ("tmp", "var/tmp", "run", "dev", "var/lib/dbus"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    hygiene.scrub(root)
    assert list(hygiene.stains(hygiene.in_folder(root))) == []


def test_fat_is_the_same_twice_and_mtools_reads_it(tmp_path: Path) -> None:
    files = {"autoboot.txt": b"[all]\n", "EFI/BOOT/BOOTX64.EFI": b"MZ" * 9000}
    for name in ("one", "two"):
        filesystem.fat(tmp_path / name, 64, "CONFIG", "c4f1c0f1", files, 1_790_000_001)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    read = subprocess.run(["mtype", "-i", str(tmp_path / "one"), "::EFI/BOOT/BOOTX64.EFI"], capture_output=True, check=True).stdout
    assert read == files["EFI/BOOT/BOOTX64.EFI"]
    assert subprocess.run(["/usr/sbin/fsck.vfat", "-n", str(tmp_path / "one")], capture_output=True, check=False).returncode == 0


def test_the_data_partition_is_the_same_twice_and_whole(tmp_path: Path) -> None:
    folders = (filesystem.Folder("lib"), filesystem.Folder("lib/callfloor", 0o750, 871, 871))
    for name in ("one", "two"):
        filesystem.ext4(tmp_path / name, 256, "data", folders, 1_790_000_001)
    assert subprocess.run(["cmp", tmp_path / "one", tmp_path / "two"], check=False).returncode == 0
    assert subprocess.run(["/usr/sbin/e2fsck", "-fn", str(tmp_path / "one")], capture_output=True, check=False).returncode == 0
    told = subprocess.run(["/usr/sbin/debugfs", "-R", "stat lib/callfloor", tmp_path / "one"], capture_output=True, check=True, text=True)
    assert re.search(r"Mode:\s+0750", told.stdout)
    assert re.search(r"User:\s+871", told.stdout)


def test_no_machine_leaves_out_a_driver_that_it_needs() -> None:
    for machine in recipe.MACHINES.values():
        assert not any("drivers/md" in folder or "fs/squashfs" in folder or "fs/overlayfs" in folder for folder in machine.left_out)
        assert "fs/vfat" not in " ".join(machine.left_out)


def test_init_is_a_shell_script_that_a_shell_can_read() -> None:
    assert subprocess.run(["sh", "-n", str(PROJECT / "images/boot/init")], check=False).returncode == 0
    assert subprocess.run(["sh", "-n", str(PROJECT / "images/overlay/usr/lib/callfloor/hostkeys")], check=False).returncode == 0


def test_a_pi_keeps_what_its_screen_s_driver_needs() -> None:
    """Seen on raspi3b: vc4: Unknown symbol devm_snd_soc_register_card."""
    kept = "lib/modules/6.1.0/kernel/sound/soc/snd-soc-core.ko"
    assert not any(fnmatch.fnmatch(f"/{kept}", pattern) for pattern in recipe.ARM64.path_excludes())
