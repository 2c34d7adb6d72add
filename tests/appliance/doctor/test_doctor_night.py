"""`callfloor doctor --record`, what is new since, the archive for support, the language, and logging in when asked."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.core.catalogue import CallQueued, kind_of
from appliance.core.clock import SystemClock
from appliance.core.config import Config, Crm, PbxConfig
from appliance.core.errors import TransientError
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.doctor import bundle, deep
from appliance.doctor.finding import Finding, Scene
from appliance.doctor.record import Record, compared, keep, last
from appliance.doctor.redact import redacted
from appliance.sim.broker import Broker
from appliance.sim.floor_model_plan import plan_named
from appliance.sim.pbx import SimPbx

CALLER = "+593 99 555 0147"
SECRET = "Tr0ub4dor-and-3"
PASSWORD = "hush hush, broker"
SITE = """
# The owner's mobile is 0998887766
[site]
name = "quito"

[journal]
path = "{folder}/journal.db"

[pbx.central]
host = "127.0.0.1"
port = 1
secret_file = "credentials/pbx"

[crm]
url = "mqtt://127.0.0.1:1"
username = "box"
password_file = "credentials/broker"
"""


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A box with secrets, a caller in its journal, and a machine that tells nothing of itself; its configuration."""
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials/pbx").write_text(f"{SECRET}\n")
    (tmp_path / "credentials/broker").write_text(f"{PASSWORD}\n")
    (tmp_path / "machine/var/lib/systemd/timesync").mkdir(parents=True)
    (tmp_path / "machine/var/lib/systemd/timesync/clock").touch()
    (tmp_path / "callfloor.toml").write_text(SITE.format(folder=tmp_path))
    clock = SystemClock()
    journal = SqliteJournal.open(tmp_path / "journal.db", run_dir=tmp_path / "run")
    data = CallQueued(call="c1", pbx="central", visit="v1", queue="ventas", caller=CALLER, title="Zoila Caiza")
    journal.append([Event(kind_of(data), "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)])
    journal.close()
    return tmp_path / "callfloor.toml"


def doctor(box: Path, *words: str) -> int:
    return main(["doctor", *words, "-c", str(box), "--root", str(box.parent / "machine")])


def heat(box: Path, milli: int) -> None:
    zone = box.parent / "machine/sys/class/thermal/thermal_zone0"
    zone.mkdir(parents=True, exist_ok=True)
    (zone / "type").write_text("cpu-thermal")
    (zone / "temp").write_text(str(milli))


# -- since the night -----------------------------------------------------------


def test_what_is_new_since_the_night_and_what_is_gone(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor(box, "--record", "--lang", "en") == 1
    first = capsys.readouterr().out
    assert "new since" not in first
    assert json.loads((box.parent / "doctor.json").read_text())["version"]
    heat(box, 86_000)
    doctor(box, "--lang", "en")
    out = capsys.readouterr().out
    assert out.count("new since") == 1
    assert ": temperature: it is far too hot" in out
    doctor(box, "--since-last", "--lang", "en")
    told = capsys.readouterr().out
    assert told.startswith("red   temperature: it is far too hot\n")
    assert "pbx central" not in told, "it was so in the night"
    doctor(box, "--record")
    heat(box, 50_000)
    capsys.readouterr()
    doctor(box, "--since-last", "--json")
    since = json.loads(capsys.readouterr().out)["since"]
    assert ([each["item"] for each in since["new"]], [each["item"] for each in since["gone"]]) == ([], ["temperature"])


def test_one_part_alone_says_nothing_of_the_others(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heat(box, 86_000)
    doctor(box, "--record")
    capsys.readouterr()
    doctor(box, "memory", "--lang", "en")
    assert "since" not in capsys.readouterr().out
    doctor(box, "memory", "--record")
    assert last(box.parent / "doctor.json") is not None
    assert any(each.item == "temperature" for each in last(box.parent / "doctor.json").findings)  # type: ignore[union-attr]


def test_figures_that_differ_are_no_news() -> None:
    then = Record("2026-11-21T03:10:00.000Z", "1", (Finding("certificate", "amber", "it expires on 2026-12-01, in 9 days"),))
    now = Finding("certificate", "amber", "it expires on 2026-12-01, in 8 days")
    assert compared(then, (now,)).new == ()
    worse = Finding("certificate", "red", "it expires on 2026-12-01, in 6 days")
    assert compared(then, (worse,)).new == (worse,)


def test_a_record_that_is_damaged_or_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "doctor.json").write_text("{")
    assert last(tmp_path / "doctor.json") is None
    with pytest.raises(TransientError, match="cannot be written"):
        keep(tmp_path / "nowhere" / "doctor.json", Record("t", "1"))


# -- the language --------------------------------------------------------------


def test_the_terminal_s_language(box: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "es_EC.UTF-8")
    doctor(box, "pbx")
    out = capsys.readouterr().out
    assert "rojo  pbx central: allí no escucha nadie" in out
    assert "      luego las cifras del piso se detienen" in out
    doctor(box, "pbx", "--lang", "pt")
    assert "verm. pbx central: ninguém escuta ali" in capsys.readouterr().out


# -- the archive ---------------------------------------------------------------


def unpacked(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        return {each.name: archive.extractfile(each).read().decode() for each in archive.getmembers()}  # type: ignore[union-attr]


def test_no_secret_and_no_number_is_in_the_archive(box: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "support.tar.gz"
    doctor(box, "--bundle", str(place))
    assert "support.tar.gz" in capsys.readouterr().out
    assert place.stat().st_mode & 0o777 == 0o600
    files = unpacked(place)
    names = {name.removeprefix("callfloor-doctor/") for name in files}
    assert names >= {"doctor.json", "callfloor.toml", "versions.txt", "journal.json", "health.json", "log.txt", "kernel.txt"}
    everything = "\n".join(files.values())
    for word in (SECRET, "hush", "0998887766", "5550147", "555 0147", "Zoila", "Caiza"):
        assert word not in everything, word
    assert json.loads(files["callfloor-doctor/doctor.json"])["ok"] is False
    assert json.loads(files["callfloor-doctor/journal.json"])["kinds"] == {"journal.started": 1, "call.queued": 1}
    assert 'secret_file = "credentials/pbx"' in files["callfloor-doctor/callfloor.toml"]
    assert json.loads(files["callfloor-doctor/health.json"]).keys() == {"time", "clock", "health", "pbx", "crm", "open"}


def test_what_a_program_wrote_into_its_log_is_struck_out_too() -> None:
    out = io.BytesIO()
    log = f"Nov 22 07:30:00 box[12]: {CALLER} said {SECRET} to mqtts://a:b@crm, password=xyzzy, id 3f2a9c01b7e4 at 10.1.2.3\n"
    bundle.archived(out, {"log.txt": log, "a.json": json.dumps({"caller": CALLER, "token": "xyzzy", "bytes": 12345678901})}, (SECRET,))
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:
        files = {each.name: archive.extractfile(each).read().decode() for each in archive.getmembers()}  # type: ignore[union-attr]
    assert files["callfloor-doctor/log.txt"] == (
        "Nov 22 07:30:00 box[12]: ‹number› said ‹struck› to mqtts://‹struck›@crm, password=‹struck›, id 3f2a9c01b7e4 at 10.1.2.3\n"
    )
    assert json.loads(files["callfloor-doctor/a.json"]) == {"caller": "‹number›", "token": "‹struck›", "bytes": 12345678901}


@pytest.mark.parametrize("number", ["0999123456", "+57 310 555 0199", "(02) 255-5147 90", "1-800-555-0199", "593.99.555.0147"])
def test_numbers_in_any_dress(number: str) -> None:
    assert redacted(f"from {number}.") == "from ‹number›."


def test_an_archive_that_cannot_be_written(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor(box, "configuration", "--bundle", "/nonexistent/x.tar.gz") == 1
    assert "/nonexistent/x.tar.gz cannot be written: No such file or directory" in capsys.readouterr().err


# -- logging in ----------------------------------------------------------------


async def test_logging_in_at_a_pbx(tmp_path: Path) -> None:
    (tmp_path / "right").write_text("callfloor\n")
    (tmp_path / "wrong").write_text("guess\n")
    async with SimPbx(plan_named("morning"), seed=1) as pbx:
        good = await deep.pbx_login("central", PbxConfig(port=pbx.port, secret_file=tmp_path / "right"))
        bad = await deep.pbx_login("central", PbxConfig(port=pbx.port, secret_file=tmp_path / "wrong"))
        none = await deep.pbx_login("central", PbxConfig(port=pbx.port, secret_file=tmp_path / "none"))
    assert (good.level, good.finding) == ("ok", "the PBX takes this box's user")
    assert (bad.level, bad.finding) == ("red", "the PBX refuses this box's user")
    assert "guess" not in bad.evidence
    assert none.finding == "the login cannot be used as configured"


async def test_logging_in_at_a_broker_leaves_the_uplink_alone() -> None:
    async with Broker(kind="mosquitto") as broker:
        config = Config(crm=Crm(url=broker.url))
        found = await asyncio.to_thread(lambda: deep.findings(Scene(config, Path("callfloor.toml"))))
    assert [(each.level, each.finding) for each in found] == [("ok", "the broker takes this box")]
    assert "callfloor-site-box-doctor" in found[0].evidence
