"""`callfloor provision` on a root folder: the plan, the change, nothing to do, the way back, the power cut between each two deeds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.provision.ask import sheet_by_questions
from appliance.provision.machine import Machine
from appliance.provision.site_file import site_from_toml
from appliance.provision.words import LANGUAGES, Words
from appliance.provision.words_table import WORDS

from .conftest import SHEET, tree

MakeRoot = Callable[..., Path]


def provision(*words: str | Path) -> int:
    return main(["provision", *map(str, words)])


def test_plan_apply_nothing_to_do_and_back(make_root: MakeRoot, sheet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_root()
    before = tree(root)
    assert provision(sheet, "--root", root, "--plan", "--lang", "es") == 0
    said = capsys.readouterr().out
    assert "nombre del equipo: callfloor-quito-piso-3" in said
    assert "pbx.central.secret: nuevo" in said
    assert "s3cr3t" not in said
    assert tree(root) == before, "a plan changes nothing"

    assert provision(sheet, "--root", root, "--yes", "--lang", "en") == 0
    said = capsys.readouterr().out
    assert "s3cr3t" not in said
    assert "state 1" in said
    after = tree(root)
    assert (root / "etc/callfloor/credentials/pbx.central.secret").read_text() == "s3cr3t of the manager"
    assert (root / "etc/callfloor/credentials/pbx.central.secret").stat().st_mode & 0o777 == 0o600
    assert (root / "etc/hostname").read_text() == "callfloor-quito-piso-3\n"
    assert (root / "etc/localtime").readlink() == Path("/usr/share/zoneinfo/America/Guayaquil")
    wants = {path.name for path in (root / "etc/systemd/system/callfloor.target.wants").iterdir()}
    services = {"callfloor@gateway.service", "callfloor@wallboard.service", "callfloor@uplink.service"}
    assert wants == services | {"callfloor-doctor.timer", "callfloor-renew.timer"}
    assert "s3cr3t" not in (root / "etc/callfloor/callfloor.toml").read_text()

    assert provision(sheet, "--root", root, "--yes") == 0
    assert "Nothing to do" in capsys.readouterr().out
    assert tree(root) == after

    assert provision("rollback", "--root", root, "--yes") == 0
    assert tree(root) == before


def test_a_second_sheet_changes_what_it_says_and_leaves_the_rest(
    make_root: MakeRoot, sheet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_root()
    assert provision(sheet, "--root", root, "--yes") == 0
    file = root / "etc/callfloor/callfloor.toml"
    file.write_text(file.read_text().replace("[kpi]", "# agreed with Marta\n[kpi]") + "\n[privacy]\nagent_names = false\n")
    sheet.write_text(
        SHEET.replace('title = "Ventas"', 'title = "Ventas y cobros"').replace('listen = "127.0.0.1:8080"', 'listen = "127.0.0.1:8088"')
    )
    capsys.readouterr()
    assert provision(sheet, "--root", root, "--yes", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert [each["step"] for each in said["plan"]["steps"] if each["pending"]] == ["configuration"]
    text = file.read_text()
    assert "# agreed with Marta" in text
    assert "agent_names = false" in text
    assert "Ventas y cobros" in text
    # The older one is kept by number, and a fresh one forgets what the sheet does not say.
    assert "Ventas" in (root / "var/lib/callfloor/config/1.toml").read_text()
    assert provision(sheet, "--root", root, "--yes", "--fresh") == 0
    assert "agreed with Marta" not in file.read_text()
    assert provision("rollback", "2", "--root", root, "--yes") == 0
    assert "Ventas y cobros" not in file.read_text()
    assert "agreed with Marta" in file.read_text()


def test_power_cut_between_each_two_deeds(make_root: MakeRoot, sheet: Path, tmp_path: Path) -> None:
    root = make_root()
    script = Path(__file__).with_name("cut_power.py")
    # In memory where there is such a place: what is flushed is flushed there too, and a real disk's flushes are most of the time.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as work:
        words = [sys.executable, script, root, sheet, work]
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=os.environ | {"TMPDIR": work})
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["deeds"] > 12


@pytest.mark.parametrize("browser", ["cog", "chromium"])
def test_the_own_screen_comes_and_goes(make_root: MakeRoot, sheet: Path, browser: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With Chromium its own exposure, with cog not; and the link that somebody made by hand goes too."""
    root = make_root()
    units = root / "etc/systemd/system"
    sheet.write_text(SHEET + f'\n[callfloor.kiosk]\nbrowser = "{browser}"\n')
    assert provision(sheet, "--root", root, "--yes", "--lang", "es") == 0
    assert f"pantalla propia: {browser}" in capsys.readouterr().out
    assert (root / str((units / "callfloor.target.wants/callfloor-kiosk.service").readlink()).lstrip("/")).is_file()
    drop_in = units / "callfloor-kiosk.service.d/chromium.conf"
    assert drop_in.is_symlink() == (browser == "chromium")
    if browser == "chromium":
        assert "RestrictNamespaces=user pid net" in (root / str(drop_in.readlink()).lstrip("/")).read_text()
    (units / "multi-user.target.wants/callfloor-kiosk.service").symlink_to("/lib/systemd/system/callfloor-kiosk.service")
    sheet.write_text(SHEET)
    assert provision(sheet, "--root", root, "--yes", "--fresh") == 0
    assert not [path for path in units.rglob("*") if path.is_symlink() and "kiosk" in str(path)]


def test_a_fault_in_the_middle_goes_back(make_root: MakeRoot, sheet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder stands where the unit's link shall be: the last step fails, and all before it is as it was."""
    root = make_root()
    (root / "etc/systemd/system/callfloor.target.wants/callfloor@uplink.service/x").mkdir(parents=True)
    before = tree(root)
    assert provision(sheet, "--root", root, "--yes") == 1
    assert "going back" in capsys.readouterr().err
    assert tree(root) == before


def test_a_sheet_that_services_cannot_use_changes_nothing(make_root: MakeRoot, sheet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_root()
    before = tree(root)
    sheet.write_text(SHEET + '\n[callfloor.wallboard.tv]\ntoken_file = "tv.token"\n')
    assert provision(sheet, "--root", root, "--yes") == 1
    assert "/etc/callfloor/callfloor.toml" in capsys.readouterr().err
    assert tree(root) == before


def test_without_the_package_nothing_is_done(make_root: MakeRoot, sheet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_root()
    (root / "usr/bin/callfloor").unlink()
    assert provision(sheet, "--root", root, "--yes") == 1
    assert "lacks /usr/bin/callfloor" in capsys.readouterr().out
    assert not (root / "etc/callfloor/callfloor.toml").exists()


def test_keys_are_added_once_and_others_stay(make_root: MakeRoot, sheet: Path) -> None:
    root = make_root()
    (root / "root/.ssh").mkdir(mode=0o700)
    (root / "root/.ssh/authorized_keys").write_text("ssh-rsa AAAAB3Nz other@home")
    assert provision(sheet, "--root", root, "--yes") == 0
    lines = (root / "root/.ssh/authorized_keys").read_text().splitlines()
    assert lines[0] == "ssh-rsa AAAAB3Nz other@home"
    assert len(lines) == 2
    sheet.write_text(SHEET.replace("ana@oficina", "ana@casa"))
    assert provision(sheet, "--root", root, "--yes") == 0
    assert len((root / "root/.ssh/authorized_keys").read_text().splitlines()) == 2


@pytest.mark.parametrize("manager", ["systemd-networkd", "NetworkManager"])
def test_a_fixed_address_waits_for_the_next_start(
    make_root: MakeRoot, sheet: Path, manager: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_root()
    sheet.write_text(SHEET + '[network]\naddress = "192.168.1.40/24"\ngateway = "192.168.1.1"\ndns = ["192.168.1.1"]\n')
    assert provision(sheet, "--root", root, "--plan") == 1, "nothing there sets addresses"
    if manager == "NetworkManager":
        (root / "usr/sbin").mkdir()
        (root / "usr/sbin/NetworkManager").touch()
        place = root / "etc/NetworkManager/system-connections/callfloor.nmconnection"
    else:
        (root / "lib/systemd/system/systemd-networkd.service").touch()
        place = root / "etc/systemd/network/10-callfloor.network"
    assert provision(sheet, "--root", root, "--yes") == 0
    assert "192.168.1.40/24" in place.read_text()
    assert "next start" in capsys.readouterr().out


def test_questions_make_a_sheet_and_no_wrong_answer_is_taken(make_root: MakeRoot, tmp_path: Path) -> None:
    answers = iter(
        [
            "Quito Norte", "quito",  # a site is a slug
            "",  # the box's own host name
            "America/Guayaqil", "America/Guayaquil", "",
            "192.168.1.10", "", "", "s3cr3t of the manager",
            "crm.example.com", "", "https://enrol.example.com", "", "7f3a-9921",
            "192.168.1.0", "10.0.0.1/8x", "192.168.1.0/24",
            "firefox", "chromium",
            "192.168.1.1 pool.ntp.org",
        ]
    )  # fmt: skip
    root = make_root()
    (root / "etc/hostname").write_text("Piso 3\n")
    said: list[str] = []
    hidden: list[str] = []

    def read(prompt: str, secret: bool) -> str:
        answer = next(answers)
        if secret:
            hidden.append(answer)
        return answer

    text = sheet_by_questions(Machine(root), Words("es"), read, said.append, tmp_path)
    assert hidden == ["s3cr3t of the manager", "7f3a-9921"]
    assert not any("s3cr3t" in line for line in said)
    sheet = site_from_toml(text, tmp_path / "site.toml")
    assert (sheet.site.name, sheet.site.box, sheet.site.language) == ("quito", "piso-3", "es")
    assert sheet.crm is not None
    assert sheet.crm.url == "mqtts://crm.example.com:8883"
    assert sheet.wallboard["tv"]["allow"] == ["192.168.1.0/24"] or sheet.wallboard["tv"]["allow"] == ["192.168.1.0"]
    assert sheet.callfloor == {"kiosk": {"browser": "chromium"}}
    assert sheet.enrol is not None
    assert (sheet.enrol.url, sheet.enrol.ca_file) == ("https://enrol.example.com", None)
    assert sheet.time.ntp == ("192.168.1.1", "pool.ntp.org")


def test_by_questions_from_a_pipe_saved_and_applied(make_root: MakeRoot, tmp_path: Path) -> None:
    root = make_root()
    answers = "quito\npiso-3\nAmerica/Guayaquil\nes\n192.168.1.10\n\n\ns3cr3t\n-\n-\n-\n-\n"
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli.main", "provision", "--root", root, "--yes", "--save", tmp_path / "kept.toml", "--lang", "pt"],
        input=answers, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "s3cr3t" not in done.stdout + done.stderr
    assert (tmp_path / "kept.toml").stat().st_mode & 0o777 == 0o600
    assert (root / "etc/callfloor/credentials/pbx.central.secret").read_text() == "s3cr3t"
    assert provision(tmp_path / "kept.toml", "--root", root) == 0


def test_another_run_waits_its_turn(make_root: MakeRoot, sheet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from appliance.provision.state import States  # noqa: PLC0415

    root = make_root()
    with States(Machine(root)).locked():
        assert provision(sheet, "--root", root, "--yes") == 1
    assert "another callfloor provision" in capsys.readouterr().err


def test_every_text_is_there_in_three_languages_with_the_same_gaps() -> None:
    import re  # noqa: PLC0415

    for name, forms in WORDS.items():
        assert len(forms) == len(LANGUAGES)
        assert all(forms), name
        gaps = [sorted(re.findall(r"\{(\w+)", form)) for form in forms]
        assert gaps[0] == gaps[1] == gaps[2], name


def test_the_page_shows_what_is_said(make_root: MakeRoot, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """docs/provisioning.md: its sheet is planned as its output says, and applied."""
    page = (Path(__file__).parents[3] / "docs/provisioning.md").read_text()
    text = page.partition("```toml\n")[2].partition("```")[0]
    shown = page.partition("```text\n")[2].partition("```")[0].splitlines()
    (tmp_path / "site.toml").write_text(text)
    root = make_root()
    for folder, mode in (("etc/callfloor", 0o750), ("etc/callfloor/credentials", 0o700), ("var/lib/callfloor", 0o750)):
        (root / folder).chmod(mode)
        if os.geteuid() == 0:
            os.chown(root / folder, 871 if folder.startswith("var") else 0, 0 if folder.endswith("credentials") else 871)
    assert provision(tmp_path / "site.toml", "--root", root, "--plan", "--lang", "en") == 0
    said = iter(capsys.readouterr().out.splitlines())
    for line in shown:
        assert line == "…" or line in said, line
    assert provision(tmp_path / "site.toml", "--root", root, "--yes") == 0
