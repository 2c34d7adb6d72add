"""Decides how a box's disk is divided: CONFIG, two boot partitions, two systems, one data partition that grows. Pure text for genimage.

Every identifier is fixed: the same content is the same disk, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024
#: Where the first partition starts; partitions lie one after the other on this grid.
ALIGN_MIB: Final = 1
DISK_GUID: Final = "c4f10000-c0de-4a11-8f00-000000000000"
_FAT: Final = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"
_ESP: Final = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
_ROOT: Final = {"amd64": "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "arm64": "b921b045-1df0-41c3-af44-4c6f280d3fae"}
#: The only partition of this kind on the disk: what systemd-repart grows (overlay/usr/lib/repart.d/50-data.conf).
_LINUX: Final = "0fc63daf-8483-4772-8e79-3d69d8477de4"


@dataclass(frozen=True, slots=True)
class Partition:
    """`number` as the kernel and the Pi's firmware count. `image`: the file that fills it; None leaves it to zeros."""

    number: int
    name: str
    size_mib: int
    kind: str
    image: str | None

    @property
    def guid(self) -> str:
        """Its own identifier: PARTUUID."""
        return f"{DISK_GUID[:-1]}{self.number}"


def partitions(architecture: str) -> tuple[Partition, ...]:
    """The disk's partitions, in their order. From the factory both slots are filled alike: there is always something to fall back to."""
    # A PC's firmware looks for an EFI system partition; the Pi's takes any FAT.
    config = _ESP if architecture == "amd64" else _FAT
    return (
        Partition(1, "config", 64, config, "config.vfat"),
        Partition(2, "boot_a", 96, _FAT, "boot_a.vfat"),
        Partition(3, "boot_b", 96, _FAT, "boot_b.vfat"),
        Partition(4, "system_a", 1024, _ROOT[architecture], "system.squashfs"),
        Partition(5, "system_b", 1024, _ROOT[architecture], "system.squashfs"),
        Partition(6, "data", 256, _LINUX, "data.ext4"),
    )


def offset_mib(architecture: str, name: str) -> int:
    """Where a partition starts on the disk: mtools reads FAT there (`mtype -i disk.img@@1048576`)."""
    at = ALIGN_MIB
    for partition in partitions(architecture):
        if partition.name == name:
            return at
        at += partition.size_mib
    raise KeyError(name)


def genimage(architecture: str, image: str) -> str:
    """genimage's configuration for the whole disk."""
    lines = [
        f"image {image} {{",
        "  hdimage {",
        '    partition-table-type = "gpt"',
        f"    align = {ALIGN_MIB}M",
        f'    disk-uuid = "{DISK_GUID}"',
        "  }",
    ]
    at = ALIGN_MIB
    for partition in partitions(architecture):
        lines += [
            f"  partition {partition.name} {{",
            f'    partition-type-uuid = "{partition.kind}"',
            f'    partition-uuid = "{partition.guid}"',
        ]
        lines += [f"    offset = {at}M", f"    size = {partition.size_mib}M"]
        if partition.image is not None:
            lines.append(f'    image = "{partition.image}"')
        lines.append("  }")
        at += partition.size_mib
    return "\n".join([*lines, "}", ""])
