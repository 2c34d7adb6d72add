"""Decides what lies on the FAT partitions besides programs: which slot starts, with which arguments. Pure; README.md tells the protocol.

Raspberry Pi: `autoboot.txt` on CONFIG and `config.txt`, `cmdline.txt` on each boot partition, as its documentation has them (config.txt,
"autoboot.txt", "The tryboot filter"). A PC: Debian's signed GRUB plays the same game from `EFI/debian/grubenv` on CONFIG.
"""

from __future__ import annotations

from typing import Final

#: Boot partition of a slot, as the Pi's firmware and GRUB count.
BOOT_PARTITION: Final = {"A": 2, "B": 3}
#: Where GRUB keeps its variables, on CONFIG.
GRUBENV: Final = "EFI/debian/grubenv"
_GRUBENV_BYTES: Final = 1024


def other(slot: str) -> str:
    """The slot that is not this one."""
    return "B" if slot == "A" else "A"


def autoboot(committed: str) -> str:
    """`autoboot.txt`: the committed slot starts; after `reboot '0 tryboot'` the other one, once."""
    return (
        f"[all]\ntryboot_a_b=1\nboot_partition={BOOT_PARTITION[committed]}\n[tryboot]\nboot_partition={BOOT_PARTITION[other(committed)]}\n"
    )


def grubenv(committed: str, *, tryboot: bool = False, arguments: str = "") -> bytes:
    """GRUB's environment block, exactly 1024 bytes: `boot_partition` (committed), `tryboot` (1: the other one, once), `arguments`."""
    text = f"# GRUB Environment Block\nboot_partition={BOOT_PARTITION[committed]}\ntryboot={int(tryboot)}\narguments={arguments}\n".encode()
    if len(text) > _GRUBENV_BYTES:
        raise ValueError(f"GRUB's environment block holds {_GRUBENV_BYTES} bytes, not {len(text)}")
    return text.ljust(_GRUBENV_BYTES, b"#")


def cmdline(arguments: str, slot: str) -> str:
    """What the kernel is told, one line: the root of a slot and its name."""
    return f"root=PARTLABEL=system_{slot.lower()} rauc.slot={slot} {arguments}\n"


def boot_cfg(arguments: str) -> str:
    """`boot.cfg` on a PC's boot partition, the same on both: GRUB adds the slot."""
    return f'set slot_arguments="{arguments}"\n'


#: `config.txt` of a Pi's boot partition. os_prefix is not used: what a partition starts lies beside it. No dtparam and no dtoverlay:
#: Debian's trees know none, and device_tree.py has merged what a box needs.
CONFIG_TXT: Final = """\
# Callfloor. Made by images/build.py; an update replaces it with its slot.
arm_64bit=1
# Debian's kernel names the boards' device trees as kernel.org does.
upstream_kernel=1
kernel=vmlinuz
initramfs initrd.img followkernel
enable_uart=1
disable_overscan=1
# A television that is off when the box starts is still an output when it comes on.
hdmi_force_hotplug=1
gpu_mem=64
"""

#: `EFI/debian/grub.cfg` on a PC's CONFIG: the place that Debian's signed GRUB reads. `tryboot` is cleared before the tried slot starts,
#: so that a panic, a hang or a pulled plug brings the committed slot back.
GRUB_CFG: Final = """\
# Callfloor. The Pi's tryboot for a PC: images/README.md.
set timeout=0
set default=0
insmod part_gpt
insmod fat
insmod loadenv
set config=$root
if [ -s /EFI/debian/grubenv ]; then load_env --file /EFI/debian/grubenv; fi
if [ -z "$boot_partition" ]; then set boot_partition=2; fi
set start=$boot_partition
if [ "$tryboot" = 1 ]; then
  if [ "$boot_partition" = 2 ]; then set start=3; else set start=2; fi
  set tryboot=0
  save_env --file /EFI/debian/grubenv tryboot
fi
# What cannot be read is left for the other slot.
regexp --set=1:disk '^(.*),' "$config"
if [ ! -s "($disk,gpt$start)/vmlinuz" ]; then
  if [ "$start" = 2 ]; then set start=3; else set start=2; fi
fi
if [ "$start" = 2 ]; then set slot=A; set label=system_a; else set slot=B; set label=system_b; fi
source "($disk,gpt$start)/boot.cfg"
echo "Callfloor: slot $slot"
linux "($disk,gpt$start)/vmlinuz" root=PARTLABEL=$label rauc.slot=$slot $slot_arguments $arguments
initrd "($disk,gpt$start)/initrd.img"
boot
# Reached when nothing could be started: again, for a disk that answers late.
sleep 10
reboot
"""
