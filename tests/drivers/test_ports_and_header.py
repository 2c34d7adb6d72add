"""Serial ports by their sysfs, SPI and GPIO by their nodes: read from a folder laid out as the kernel does."""

from __future__ import annotations

from pathlib import Path

from drivers.header import SpiSelect, gpio_chips, spi_selects
from drivers.serial_port import SerialPort, serial_ports


def adapter(sys: Path, dev: Path) -> None:
    usb = sys / "devices/usb1/1-3"
    line = usb / "1-3:1.0/ttyUSB0"
    line.mkdir(parents=True)
    for name, text in (
        ("idVendor", "0403"),
        ("idProduct", "6001"),
        ("serial", "FT\x1b1"),
        ("product", "USB-RS232"),
        ("manufacturer", "FTDI"),
    ):
        (usb / name).write_text(text + "\n")
    (line / "driver").symlink_to("../../../../../bus/usb-serial/drivers/ftdi_sio")
    tty = sys / "class/tty/ttyUSB0"
    tty.mkdir(parents=True)
    (tty / "device").symlink_to(line)
    for folder, name in (("by-id", "usb-FTDI_FT1-if00-port0"), ("by-path", "platform-usb-0:1.3:1.0-port0")):
        (dev / "serial" / folder).mkdir(parents=True)
        (dev / "serial" / folder / name).symlink_to("../../ttyUSB0")


def test_serial_ports(tmp_path: Path) -> None:
    sys, dev = tmp_path / "sys", tmp_path / "dev"
    assert serial_ports(sys, dev) == ()
    adapter(sys, dev)
    for name, kind in (("ttyS0", "4"), ("ttyS1", "0")):
        (sys / "class/tty" / name / "device").mkdir(parents=True)
        (sys / "class/tty" / name / "type").write_text(kind)
    (sys / "class/tty/tty0").mkdir()
    board, usb = serial_ports(sys, dev)
    assert board == SerialPort(node=f"{dev}/ttyS0"), "ttyS1 has no chip, tty0 no hardware"
    assert usb.stable == f"{dev}/serial/by-id/usb-FTDI_FT1-if00-port0"
    assert (usb.driver, usb.vid, usb.pid, usb.serial, usb.maker, usb.port) == ("ftdi_sio", "0403", "6001", "FT1", "FTDI", "1-3")


def test_header(tmp_path: Path) -> None:
    assert spi_selects(tmp_path / "none") == ()
    for name in ("spidev0.1", "spidev0.0", "spidev10.0", "spidev", "gpiochip0", "gpiochip4"):
        (tmp_path / name).touch()
    (tmp_path / "gpiochip9").symlink_to("gpiochip0")
    assert [(each.port, each.select) for each in spi_selects(tmp_path)] == [(0, 0), (0, 1), (10, 0)]
    assert spi_selects(tmp_path)[0] == SpiSelect(f"{tmp_path}/spidev0.0", 0, 0)
    assert [(chip.number, chip.label) for chip in gpio_chips(tmp_path)] == [(0, None), (4, None)], "no chip answers there"
