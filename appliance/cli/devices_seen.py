"""Decides what `callfloor devices` sees: what is plugged, what the configuration has it for, who holds it, and what we may not read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from appliance.cli.devices_row import Kind, Row, Seen
from appliance.cli.devices_use import HEADER, uses_of
from appliance.cli.seat_journal import SeatJournal
from appliance.core.config import Config
from appliance.core.headset_config import HeadsetsConfig
from appliance.core.headset_url import headset_url
from appliance.doctor.who import Node, Who, node_of, service_user
from drivers.header import gpio_chips, spi_selects
from drivers.hid_device import HidInfo
from drivers.hid_holder import Held, held
from drivers.hid_plug import known
from drivers.hid_sim_socket import is_there
from drivers.hid_sysfs import maker_of, plugged
from drivers.serial_port import SerialPort, serial_ports
from headsets.model import is_headset, layout_from
from headsets.places import placed

_RULE: Final = "60-callfloor-headsets.rules"
_RELOAD: Final = "sudo udevadm control --reload && sudo udevadm trigger"
#: GPIO chips that are a Raspberry Pi's header.
_HEADERS: Final = ("pinctrl-bcm", "pinctrl-rp1", "raspberrypi,rp1")


class Look:
    """Looks again and again, and remembers what a headset was before a program took it from the kernel."""

    def __init__(self, config: Config | None, journal: SeatJournal) -> None:
        self._config, self._journal = config, journal
        self._headsets = (config.headsets if config else None) or HeadsetsConfig()
        self._uses = uses_of(config)
        self._known: dict[tuple[str, int], HidInfo] = {}
        self._placed: dict[str, HidInfo] = {}

    def seen(self) -> Seen:
        """Everything as it is now. Raises nothing that a device can cause."""
        self._journal.catch_up()
        who = service_user()
        found = plugged(is_headset)
        self._known = {info.plugging: info for info in found.left} | known(found, self._known)
        ports, selects, chips = serial_ports(), spi_selects(), gpio_chips()
        nodes = [info.node for info in self._known.values()] + [info.hidraw for info in self._known.values() if info.hidraw]
        nodes += [port.node for port in ports] + [select.node for select in selects] + [chip.node for chip in chips]
        holders = held(nodes)
        rows = [*self._headset_rows(who, holders), *self._serial_rows(ports, who, holders)]
        rows += [self._header_row("spi", f"spi:{each.port}.{each.select}", each.node, None, who, holders) for each in selects]
        for chip in chips:
            label = None if chip.label is None else f"{chip.label}, {chip.lines} lines"
            rows.append(self._header_row("gpio", f"gpio:?chip={chip.number}", chip.node, label, who, holders))
        return Seen((*rows, *self._missing(rows)), tuple(self._notes(rows)))

    # -- headsets ----------------------------------------------------------------

    def _headset_rows(self, who: Who, holders: Held) -> Iterator[Row]:
        urls = {key: headset_url(seat.url) for key, seat in self._headsets.seat.items()}
        usb = {key: url for key, url in urls.items() if url.sim is None}
        self._placed = placed(usb, self._known.values(), self._placed)
        for seat, info in self._placed.items():
            yield self._headset(seat, info, who, holders)
        for seat, url in urls.items():
            if url.sim is not None:
                yield self._told(seat, Row(kind="headset", url=str(url), there=is_there(url.sim), node=url.sim, seat=seat))
            elif seat not in self._placed:
                yield self._told(seat, Row(kind="headset", url=str(url), there=False, seat=seat))

    def _headset(self, seat: str, info: HidInfo, who: Who, holders: Held) -> Row:
        hold = self._headsets.seat[seat].hold if seat in self._headsets.seat else None
        wants = info.node if (hold or self._headsets.hold) == "own" else info.hidraw
        row = Row(
            kind="headset",
            url=f"usb:{info.identity}",
            seat=seat,
            port=info.port,
            node=wants or info.node,
            maker=maker_of(info),
            product=info.product,
            vendor_id=f"{info.vid:04x}",
            product_id=f"{info.pid:04x}",
            serial=info.serial,
            holder=_holder(info, holders),
        )
        if wants:
            row = _judged(row, node_of(wants, who, write=wants == info.node), who)
        if info.descriptor is not None and layout_from(info.descriptor).notes:
            row = _said(row, "its report descriptor is malformed", f"callfloor headset record {seat} -o {seat}.jsonl")
        if info.driver is None:
            row = _said(row, "a program that died left it without a driver", "restart callfloor@headsets, or replug it")
        return self._told(seat, row)

    def _told(self, seat: str, row: Row) -> Row:
        """With what the service knows of the seat."""
        config, state = self._headsets.seat.get(seat), self._journal.state(seat)
        use = (f"seat {seat}",) if config is not None else ()
        agent = (state.agent if state else None) or (config.agent if config else None)
        row = replace(row, use=use, agent=agent)
        if state is None or not state.attached:
            return row
        return replace(row, hook=state.hook, mute=state.mute, findings=state.findings, product=row.product or state.product)

    # -- the others ----------------------------------------------------------------

    def _serial_rows(self, ports: tuple[SerialPort, ...], who: Who, holders: Held) -> Iterator[Row]:
        for port in ports:
            row = Row(
                kind="serial",
                url=f"serial://{port.stable or port.node}",
                use=self._used(port.node),
                port=port.port,
                node=port.node,
                maker=port.maker,
                product=port.product or port.driver,
                vendor_id=port.vid,
                product_id=port.pid,
                serial=port.serial,
                holder=", ".join(map(str, holders.by_path.get(port.node, ()))) or None,
            )
            yield _judged(row, node_of(port.node, who), who)

    def _header_row(self, kind: Kind, url: str, node: str, product: str | None, who: Who, holders: Held) -> Row:
        use = self._used(node)
        if kind == "gpio" and product is not None and product.startswith(_HEADERS):
            use += self._uses.get(HEADER, ())
        holder = ", ".join(map(str, holders.by_path.get(node, ()))) or None
        return _judged(Row(kind=kind, url=url, use=use, node=node, product=product, holder=holder), node_of(node, who), who)

    def _used(self, node: str) -> tuple[str, ...]:
        """What the configuration has a node for, by whatever link it names it."""
        real = os.path.realpath(node)
        return tuple(use for path, uses in self._uses.items() if path.startswith("/") and os.path.realpath(path) == real for use in uses)

    def _missing(self, rows: list[Row]) -> Iterator[Row]:
        """What the configuration names and is not there."""
        there = {os.path.realpath(row.node) for row in rows if row.node and row.there}
        for path, uses in self._uses.items():
            if path.startswith("/") and os.path.realpath(path) not in there and not _is_there(path):
                kind: Kind = "spi" if "spidev" in path else "gpio" if "gpiochip" in path else "serial"
                url = {"spi": f"spi:{path.rpartition('spidev')[2]}", "gpio": f"gpio:?chip={path.rpartition('gpiochip')[2]}"}
                yield Row(kind=kind, url=url.get(kind, f"serial://{path}"), there=False, use=uses, node=path)

    def _notes(self, rows: list[Row]) -> Iterator[str]:
        if self._config is not None and self._config.headsets is None and any(row.kind == "headset" for row in rows):
            yield "the configuration has no [headsets]: nobody watches them; see docs/headsets.md"
        elif any(row.kind == "headset" and row.there for row in rows) and not self._journal.is_watched:
            why = self._journal.fault or "the service headsets does not run; start it with: systemctl start callfloor@headsets"
            yield f"hook and mute are not known: {why}"


def _is_there(path: str) -> bool:
    try:
        return Path(path).exists()
    except PermissionError:
        return False


def _holder(info: HidInfo, holders: Held) -> str | None:
    """Who has a headset: a program that has taken it, or those that read along."""
    takes = info.driver == "usbfs"
    found = [*holders.by_path.get(info.node, ())] if takes else []
    found += [each for each in holders.by_path.get(info.hidraw or "", ()) if each not in found]
    if found:
        return ", ".join(map(str, found))
    return "a program (root sees which)" if takes else None


def _judged(row: Row, node: Node, who: Who) -> Row:
    """With what we may not do with its node, and what mends that."""
    if node.may or not node.there:
        return row
    group = node.owner.partition(":")[2].partition(" ")[0]
    if group not in ("root", "") and not group.isdecimal():
        mend = f"sudo usermod -aG {group} {who.name}, then log in anew"
    elif row.kind == "headset":
        mend = f"sudo install -m 644 systemd/{_RULE} /etc/udev/rules.d/ && {_RELOAD}"
    else:
        mend = f"sudo chgrp callfloor {node.path} && sudo chmod g+rw {node.path}"
    return _said(row, f"{who.name} may not use {node}", mend)


def _said(row: Row, fault: str, mend: str) -> Row:
    """A row with one more fault; the first stays."""
    return row if row.fault is not None else replace(row, fault=fault, mend=mend)
