"""Decides what the page of each rig test says: which line, pin and port goes where on a real bench, drawn. `python tests/rig/rig_wires.py`
writes docs/rig; a test holds the pages to the tests.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "rig"


class Wire(Struct, frozen=True):
    """One wire of a bench. `into`: it brings something to the box. `device`: how `--device` names a real one; empty: always simulated."""

    what: str
    into: bool
    path: str
    device: str = ""


def _line(number: int) -> Wire:
    return Wire(
        f"line simulator {number}",
        True,
        f"line simulator port {number}, RJ11 to a voice modem, USB to the box (`/dev/ttyUSB{number - 1}`)",
        f"line{number}=/dev/ttyUSB{number - 1}",
    )


def _headset(extension: str, port: str) -> Wire:
    return Wire(
        f"headset {extension}", True, f"USB headset at the box's USB port {port}, seat `s-{extension}`", f"s-{extension}=usb:0b0e:0412"
    )


WIRES = {
    **{f"line{number}": _line(number) for number in range(1, 5)},
    "s-101": _headset("101", "1"),
    "s-102": _headset("102", "2"),
    "s-103": _headset("103", "3"),
    "pbx": Wire("PBX", True, "the rig's own PBX, TCP to the box's gateway; nothing to wire"),
    "printer": Wire("call records", True, "the rig's own PBX prints on TCP to the box's gateway; nothing to wire"),
    "crm": Wire("broker, CRM", False, "the box's uplink, TCP through the rig's cable to the rig's broker and CRM; nothing to wire"),
    "tv": Wire("television", False, "the rig follows `/api/stream` as a television does; a real one shows `http://BOX:8080/`"),
    "panel": Wire(
        "LED chain", False,
        "SPI 0: header pin 19 MOSI to DIN, 23 SCLK to CLK, 24 CE0 to CS, 2 (5 V) to VCC, 6 to GND; eight MAX7219 modules in a row",
        "panel=spi:0.0?cascaded=8",
    ),
    "sign": Wire("sign", False, "USB to RS-232, the sign's RJ12 port: 3 receive, 4 transmit, 6 ground (`/dev/ttyUSB4`)", "strip=/dev/ttyUSB4"),
    "tower": Wire(
        "stack light", False,
        "header pin 11 (GPIO 17) green, 13 (27) amber, 15 (22) red, 16 (23) blue, 18 (24) buzzer, each to a relay; "
        "22 (25) to the button, whose other end is at 20 (ground)",
        "tower=gpio:",
    ),
}  # fmt: skip


class Page(Struct, frozen=True):
    """One test: its name, what it says of itself, its wires."""

    test: str
    module: str
    text: str
    wires: tuple[str, ...]

    def markdown(self) -> str:
        title = self.test.removeprefix("test_").replace("_", " ")
        rows = "\n".join(f"| {WIRES[wire].what} | {WIRES[wire].path} | {_code(WIRES[wire].device)} |" for wire in self.wires)
        named = " ".join(f"--device {device}" for wire in self.wires if (device := WIRES[wire].device))
        text = f"{self.text}\n\n" if self.text else ""
        run = f"make rig ARGS='-k {self.test}'"
        real = f"\nWith real devices: `make rig ARGS='-k {self.test} {named}'`\n" if named else ""
        return f"""# {title[0].upper()}{title[1:]}

{text}```
{self.drawing()}
```

| wire | on a bench | a real one |
| --- | --- | --- |
{rows}

Simulated: `{run}`
{real}
Written from tests/rig/{self.module} by tests/rig/rig_wires.py. [Rigs](../rig.md)
"""

    def drawing(self) -> str:
        left = [WIRES[wire].what for wire in self.wires if WIRES[wire].into]
        right = [WIRES[wire].what for wire in self.wires if not WIRES[wire].into]
        wide = max((len(each) for each in left), default=0)
        height = max(len(left), len(right), 1)
        rows = []
        for at in range(height):
            begin = f"{left[at]:>{wide}} ---->|" if at < len(left) else f"{'':>{wide}}      |"
            end = f"|----> {right[at]}" if at < len(right) else "|"
            rows.append(f"{begin}  {'box' if at == (height - 1) // 2 else '   '}  {end}")
        edge = f"{'':>{wide}}      +-------+"
        return "\n".join([edge, *rows, edge])


def _code(text: str) -> str:
    return f"`--device {text}`" if text else "–"


def pages() -> Iterator[Page]:
    """Every rig test with wires."""
    for path in sorted(Path(__file__).parent.glob("test_rig_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.wires":
                        wires = tuple(ast.literal_eval(each) for each in mark.args)
                        yield Page(node.name, path.name, " ".join((ast.get_docstring(node) or "").split()), wires)


def written() -> dict[str, str]:
    """Every page by its file's name."""
    made = list(pages())
    rows = "\n".join(f"| [{page.test}]({page.test}.md) | {', '.join(WIRES[wire].what for wire in page.wires)} |" for page in made)
    index = f"# Wiring, test by test\n\n| test | wires |\n| --- | --- |\n{rows}\n\nWritten by tests/rig/rig_wires.py. [Rigs](../rig.md)\n"
    return {"README.md": index, **{f"{page.test}.md": page.markdown() for page in made}}


def main() -> int:
    PAGES.mkdir(exist_ok=True)
    for old in PAGES.glob("*.md"):
        old.unlink()
    for name, text in written().items():
        (PAGES / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
