"""A technician who may not look where the services' files lie: every verb says so in a line, with what mends it, and shows what it can."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.core.journal_sqlite import SqliteJournal

NOBODY = 65_534
SITE = """
[site]
name = "quito-norte"
box = "piso-3"
timezone = "America/Guayaquil"
[journal]
path = "{0}/var/journal.db"
[headsets.seat.a-101]
url = "sim:{0}/var/a.sock"
[wallboard.sign.strip]
url = "serial://{0}/var/tty"
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="to become somebody else needs root")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may look into, with two in it that only root may: etc and var."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    for name in ("etc", "var"):
        (folder / name).mkdir(mode=0o700)
    for where in (folder, folder / "etc"):
        (where / "callfloor.toml").write_text(SITE.format(folder), encoding="utf-8")
    SqliteJournal.open(folder / "var" / "journal.db").close()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def said(place: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs a verb as somebody else; once as root before, for whatever it imports on the way may not be readable to others."""

    def run(*words: str) -> tuple[int, str]:
        main(list(words))
        capsys.readouterr()
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
        try:
            code = main(list(words))
        finally:
            os.seteuid(0)
            os.setegid(0)
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return run


Said = Callable[..., tuple[int, str]]


def test_a_configuration_that_may_not_be_read(place: Path, said: Said) -> None:
    file = str(place / "etc" / "callfloor.toml")
    for words in (["devices"], ["headset", "watch", "--for", "0.1"]):
        code, text = said(*words, "-c", file)
        assert (code, "may not be read" in text) == (0, True)
    code, text = said("doctor", "-c", file)
    assert (code, "Permission denied" in text) == (1, True)


def test_a_journal_that_may_not_be_looked_at(place: Path, said: Said) -> None:
    file = str(place / "callfloor.toml")
    code, text = said("devices", "-c", file)
    assert (code, "not there" in text) == (0, True)
    for words in (["status"], ["journal", "stats"]):
        code, text = said(*words, "-c", file)
        assert (code, "run this with sudo" in text) == (1, True)
    code, text = said("doctor", "-c", file)
    assert (code, "sudo callfloor doctor journal" in text) == (1, True)


def test_a_secret_in_a_folder_that_may_not_be_looked_into(place: Path, said: Said) -> None:
    file = place / "callfloor.toml"
    file.write_text(file.read_text(encoding="utf-8") + f'[pbx.a]\nsecret_file = "{place}/etc/a.secret"\n', encoding="utf-8")
    code, text = said("check", "-c", str(file))
    assert (code, f"{place}/etc may not be looked into" in text) == (1, True)
