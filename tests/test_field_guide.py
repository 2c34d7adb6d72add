"""What a technician is told to type can be typed: every command parses; the field guide's are run on a whole simulated floor, and say what it says."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from appliance.cli.main import VERBS
from appliance.doctor.words import knows
from wallboard.words import words_of

ROOT = Path(__file__).parent.parent
PAGES = ("docs/field-guide.md", "docs/provisioning.md", "docs/hardware.md", "docs/updates.md")
GUIDE = ROOT / "docs/field-guide.md"

#: What only looks. What these say when all is well stands in the guide, and is compared.
_LOOKS = ("check", "config", "devices", "doctor", "enroll", "explain", "journal", "kiosk", "update")
#: Whose outcome is the machine's: run, not compared.
_OF_THE_MACHINE = {"doctor clock", "doctor memory", "doctor mounts", "doctor budget", "doctor wear card"}


def commands(page: str) -> list[str]:
    """All whole command lines of a page: in its sh blocks, and those in backticks that begin with the command."""
    text = (ROOT / page).read_text(encoding="utf-8")
    fenced = re.findall(r"^```sh\n(.*?)^```", text, re.S | re.M)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    lines = [line for block in fenced for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", prose)
    parts = [part.strip() for line in lines for part in re.split(r"&&|;", line)]
    # A verb alone in a sentence is its name, of which tests/test_documents.py knows whether there is one.
    return [part for part in parts if re.match(r"(sudo )?callfloor \S+ +\S", part)]


def words_in(command: str) -> list[str]:
    """The arguments after the program's name, without what stands behind a pipe."""
    words = shlex.split(command.partition(" | ")[0], comments=True)
    return words[words.index("callfloor") + 1 :]


def parsed(words: list[str]) -> argparse.Namespace:
    """By the verb's own parser; SystemExit where it does not take them."""
    assert words[0] in VERBS
    parser = argparse.ArgumentParser(exit_on_error=True)
    importlib.import_module(f"appliance.cli.{words[0]}").add_arguments(parser)
    return parser.parse_args(words[1:])


@pytest.mark.parametrize("page", PAGES)
def test_commands_are_understood(page: str) -> None:
    found = commands(page)
    assert found
    for command in found:
        try:
            parsed(words_in(command))
        except SystemExit as fault:
            pytest.fail(f"{page}: {command}: exit code {fault.code}")


def rows() -> list[tuple[str, str, str, str]]:
    """What one sees, the command, what it says when all is well, and otherwise what to do."""
    lines = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| (.+) \|$", GUIDE.read_text(encoding="utf-8"), re.M)
    return [line for line in lines if line[0] != "you see" and not line[0].startswith("---")]


def test_texts_of_the_board_are_the_boards() -> None:
    """What stands in brackets, in italics, is what a Spanish board shows."""
    shown = [text.split("{")[0].strip(": ") for text in words_of("es").texts.values()]
    named = [term for row in rows() for term in re.findall(r"\(\*([^*]+)\*\)", row[0])]
    assert len(named) > 15
    assert [term for term in named if not any(text and term.startswith(text) for text in shown)] == []


def test_findings_are_the_doctors() -> None:
    """A quoted finding, more than two words of prose, is one that doctor can say; in Spanish too."""
    quoted = [text for row in rows() for text in re.findall(r"`([a-z' -]+)`", row[3]) if len(text.split()) > 2]
    quoted = [text for text in quoted if not re.match(r"(sudo|ip|ssh|systemctl|callfloor) ", text)]
    assert len(quoted) > 4
    assert [text for text in quoted if not knows(text)] == []


def test_units_exist() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    for unit in set(
        re.findall(r"callfloor-[a-z]+(?=[` ])(?<!callfloor-install)", " ".join(re.findall(r"(?:systemctl|journalctl)[^`]*`", text)))
    ):
        assert (ROOT / "systemd" / f"{unit}.service").is_file(), unit
    for service in set(re.findall(r"callfloor@([a-z]+)", text)):
        assert service in ("gateway", "headsets", "wallboard", "uplink")


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The configuration of a simulated floor that runs and has taken calls."""
    folder = tmp_path_factory.mktemp("floor")
    out = folder / "out"
    environment = {**os.environ, "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}
    with out.open("w") as written:
        words = [sys.executable, "-m", "appliance.cli.main", "demo", "--listen", "127.0.0.1:0", "--speed", "8", "--plain"]
        demo = subprocess.Popen(words, stdout=written, stderr=written, env=environment, stdin=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 90
        while not re.search(r"offered [1-9].*CRM up", out.read_text()):
            assert demo.poll() is None, out.read_text()
            assert time.monotonic() < until, out.read_text()
            time.sleep(0.2)
        configuration = re.search(r"^configuration +(\S+)", out.read_text(), re.M)
        assert configuration
        yield Path(configuration[1])
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(30)


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the kernel of a board tells whose supply, heat and watchdog are well."""
    root = tmp_path_factory.mktemp("board")
    told = {
        "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
        "sys/class/thermal/thermal_zone0/temp": "48000\n",
        "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
        "sys/class/watchdog/watchdog0/state": "active\n",
        "sys/class/watchdog/watchdog0/timeout": "15\n",
        "sys/class/watchdog/watchdog0/identity": "Broadcom BCM2835 Watchdog timer\n",
    }
    for path, text in told.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def said(command: str, floor: Path, board: Path) -> tuple[int, str]:
    """Exit code and all output of a command on that floor and that board."""
    words = words_in(command)
    if words[0] == "doctor" and words[1] in ("power", "temperature", "watchdog"):
        words += ["--root", str(board)]
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli.main", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=floor.parent,
        env={**os.environ, "CALLFLOOR_CONFIG": str(floor), "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"},
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.broker
def test_commands_say_what_the_guide_says(floor: Path, board: Path) -> None:
    """All that only look, on a floor where all is well."""
    asked: dict[str, str] = {}
    for _, command, well, _ in rows():
        if command.startswith("`") and words_in(command.strip("`"))[0] in _LOOKS and "FILE" not in command:
            asked[command.strip("`")] = well
    assert len(asked) > 20
    with ThreadPoolExecutor(3) as several:
        outcomes = dict(zip(asked, several.map(lambda command: said(command, floor, board), asked), strict=True))
    for command, well in asked.items():
        code, text = outcomes[command]
        assert "Traceback" not in text, f"{command}: {text}"
        assert code in (0, 1), f"{command}: {text}"
        if " ".join(words_in(command)) not in _OF_THE_MACHINE:
            for quoted in re.findall(r"`([^`]+)`", well):
                assert quoted in text, f"{command} says no {quoted!r}: {text}"
