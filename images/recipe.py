"""Decides what a box's disk is made of: packages, kernel, drivers and what is left out, for each of the two architectures.

Everything that may differ between the PC box (amd64) and the Raspberry Pi (arm64) stands here; the rest of images/ asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Beside what every box has (rootfs.COMMON): growing, checking and encrypting disks, updates, names, what the .deb depends on.
#: systemd opens libtss2 when it finds a TPM, and depends on none of it.
_PACKAGES: Final = (
    "adduser", "cryptsetup-bin", "dosfstools", "e2fsprogs", "fdisk", "fonts-liberation", "libpython3.11-stdlib", "libtss2-esys-3.0.2-0",
    "libtss2-rc0", "libudev1", "mtools", "rauc", "rauc-service", "systemd-resolved",
)  # fmt: skip
#: Televisions are driven by WPE in its own compositor: 110 MB more, compressed.
KIOSK: Final = ("cog", "cage", "libgl1-mesa-dri", "seatd")
#: Drivers that no box has a use for. A box has a cable and no radio: neither wireless nor Bluetooth. Sound stays for USB headsets only.
_LEFT_OUT: Final = (
    "drivers/net/wireless", "drivers/infiniband", "drivers/media/usb", "drivers/media/pci", "drivers/media/dvb-frontends",
    "drivers/media/tuners", "drivers/media/i2c", "drivers/media/firewire", "drivers/media/common", "drivers/media/platform",
    "drivers/gpu/drm/amd", "drivers/gpu/drm/nouveau", "drivers/gpu/drm/radeon", "drivers/scsi/qla2xxx", "drivers/scsi/lpfc",
    "drivers/scsi/bfa", "drivers/scsi/qla4xxx", "drivers/scsi/be2iscsi", "drivers/scsi/bnx2i", "drivers/scsi/bnx2fc", "drivers/target",
    "drivers/comedi", "drivers/staging", "drivers/isdn", "drivers/bluetooth", "drivers/nfc", "drivers/iio",
    "drivers/firewire", "drivers/net/ethernet/mellanox", "drivers/net/ethernet/chelsio", "drivers/net/ethernet/qlogic",
    "drivers/net/ethernet/netronome", "drivers/net/can", "drivers/net/hamradio", "drivers/net/wan", "drivers/edac",
    "net/bluetooth", "net/mac80211", "net/nfc", "net/can", "net/sctp", "net/ceph", "net/dccp", "net/rds", "net/tipc", "net/batman-adv",
    "sound/pci", "sound/soc", "sound/isa", "sound/drivers", "sound/firewire", "sound/pcmcia", "fs/ocfs2", "fs/gfs2", "fs/ceph", "fs/cifs",
    "fs/smb", "fs/ksmbd", "fs/btrfs", "fs/xfs", "fs/jfs", "fs/reiserfs", "fs/nilfs2", "fs/afs", "fs/coda", "fs/orangefs", "fs/ubifs",
    "fs/nfs", "fs/nfsd", "fs/dlm", "fs/f2fs",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Machine:
    """One architecture's box. `modules`: what the initrd loads to find the disk and the root; those the kernel has built in are skipped."""

    architecture: str
    #: What an update bundle must say to be taken: RAUC's `compatible`.
    compatible: str
    kernel: str
    boot_packages: tuple[str, ...]
    modules: tuple[str, ...]
    arguments: str
    left_out: tuple[str, ...] = _LEFT_OUT

    def packages(self, *, kiosk: bool) -> tuple[str, ...]:
        """What mmdebstrap installs beside rootfs.COMMON."""
        return (*_PACKAGES, self.kernel, *(KIOSK if kiosk else ()))

    def path_excludes(self) -> tuple[str, ...]:
        """dpkg's `path-exclude` patterns."""
        return tuple(f"/lib/modules/*/kernel/{folder}/*" for folder in self.left_out)


#: crc32c_generic: ext4 asks for it by name when it mounts.
_DISK: Final = (
    "squashfs", "crc32c_generic", "ext4", "overlay", "sd_mod", "usb_storage", "uas", "xhci_pci", "ehci_pci", "nvme", "virtio_pci",
    "virtio_blk", "virtio_scsi", "mmc_block", "usbhid", "hid_generic",
)  # fmt: skip
#: A panic restarts the box after 10 s; on a slot that is being tried that is the way back to the other one. A text console goes dark after
#: five minutes: in the hours in which the kiosk shows nothing, the screen gets no signal and sleeps.
_ARGUMENTS: Final = "ro rootwait panic=10 net.ifnames=0 quiet loglevel=4 consoleblank=300"

AMD64: Final = Machine(
    architecture="amd64",
    compatible="callfloor-pc",
    kernel="linux-image-amd64",
    boot_packages=("busybox-static", "e2fsck-static", "shim-signed", "grub-efi-amd64-signed"),
    modules=(*_DISK, "ahci", "ata_piix", "sdhci_pci", "sdhci_acpi", "vmd"),
    arguments=f"{_ARGUMENTS} console=ttyS0,115200 console=tty0",
)
ARM64: Final = Machine(
    architecture="arm64",
    compatible="callfloor-pi",
    kernel="linux-image-arm64",
    boot_packages=("busybox-static", "e2fsck-static", "raspi-firmware"),
    modules=(*_DISK, "sdhci_iproc", "bcm2835", "pcie_brcmstb", "reset_raspberrypi", "dwc2"),
    arguments=f"{_ARGUMENTS} console=ttyAMA0,115200 console=tty1",
    # The driver of a Pi's screen (vc4) does not load without the sound of HDMI.
    left_out=tuple(folder for folder in _LEFT_OUT if folder != "sound/soc"),
)
MACHINES: Final = {machine.architecture: machine for machine in (AMD64, ARM64)}
