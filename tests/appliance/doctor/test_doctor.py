"""`callfloor doctor`: what it says of real sockets, real files and a real journal; its exit codes; a probe that fails or never ends."""

from __future__ import annotations

import json
import os
import pty
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from appliance.cli.main import main
from appliance.core.alive import Alive
from appliance.core.catalogue import BoxHealth
from appliance.core.clock import ManualClock
from appliance.core.config import Beacon, Config, Crm, JournalConfig, Led, PbxConfig, Sign, Wallboard
from appliance.core.errors import MisconfiguredError
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.doctor import broker, journal, media, pbx, services
from appliance.doctor.finding import Finding, Scene
from appliance.doctor.journal import JournalFacts, Stats
from appliance.doctor.media import Medium
from appliance.doctor.probe import PROBES, Probe, chosen, examined
from appliance.doctor.reach import Reached
from appliance.doctor.who import Node, Who, may_by_mode, node_of, service_user
from gateway.uplink.seat_box import SeatBox

FILE = Path("callfloor.toml")
#: What is looked at on every machine.
BOARD = ("budget", "wear", "mounts", "data_encryption", "power", "temperature", "memory", "clock", "watchdog")
WHO = Who("callfloor", 990, frozenset({990}))


@contextmanager
def listening(says: bytes | None = b"", context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A port of this machine that greets one caller with these words; None: it takes no call."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            try:
                talk, _ = server.accept()
                with talk if context is None else context.wrap_socket(talk, server_side=True) as line:
                    line.sendall(says or b"")
                    line.recv(1)
            except OSError:
                return

        thread = threading.Thread(target=greet, daemon=True)
        if says is not None:
            thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        if says is not None:
            thread.join()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """In English, on a machine that keeps its time and tells nothing else of itself."""
    machine = Path(words[words.index("-c") + 1]).parent / "machine"
    (machine / "var/lib/systemd/timesync").mkdir(parents=True, exist_ok=True)
    (machine / "var/lib/systemd/timesync/clock").touch()
    code = main(["doctor", *words, "--root", str(machine), "--lang", "en"])
    return code, capsys.readouterr().out


# -- the verb ------------------------------------------------------------------


def site(folder: Path, text: str) -> str:
    (folder / "pbx.secret").write_text("x", encoding="utf-8")
    (folder / "callfloor.toml").write_text(text, encoding="utf-8")
    return str(folder / "callfloor.toml")


def test_a_box_with_a_pbx_that_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SqliteJournal.open(tmp_path / "journal.db", run_dir=tmp_path / "run").close()
    with listening(b"Asterisk Call Manager/9.0.0\r\n") as port:
        code, out = call(capsys, "-c", site(tmp_path, f'[pbx.central]\nport = {port}\nsecret_file = "pbx.secret"\n'), "--json")
    told = json.loads(out)
    assert (code, told["ok"], told["file"]) == (0, True, str(tmp_path / "callfloor.toml"))
    assert [(each["item"], each["level"]) for each in told["findings"] if not each["item"].startswith("service")] == [
        ("configuration", "ok"),
        ("journal", "ok"),
        ("card", "ok"),
        *((name, "ok") for name in BOARD),
        ("pbx central", "ok"),
        ("links", "ok"),
    ]
    assert told["since"] is None, "nothing was kept yet"
    assert "Asterisk Call Manager/9.0.0" in told["findings"][-2]["evidence"]


def test_red_is_exit_code_1_and_amber_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = site(tmp_path, f'[pbx.central]\nport = {closed_port()}\nsecret_file = "pbx.secret"\n')
    code, out = call(capsys, "-c", config)
    assert code == 1
    assert "amber journal: there is none yet" in out
    assert "red   pbx central: nothing listens there" in out
    assert "do   sudo asterisk -rx 'manager show settings'" in out
    assert out.endswith("4 findings: 1 red, 3 amber\n")
    assert call(capsys, "journal", "-c", config)[0] == 0
    assert call(capsys, "configuration", "-c", config) == (
        0,
        f"ok    configuration: no fault\n      {config}: enables gateway, uplink\nnothing wrong\n",
    )


def test_a_configuration_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = site(tmp_path, "[headsets.seat.a]\nurl = 'usb:1209:1'\n")
    code, out = call(capsys, "-c", config)
    assert code == 1
    assert f"seen {config}:2" in out
    assert 'do   write vendor and product as four hex digits each: "usb:1209:0001"' in out
    assert "the rest is looked at once the configuration can be used" in out


def test_a_configuration_that_enables_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "amber configuration: it enables no service" in call(capsys, "configuration", "-c", site(tmp_path, "[site]\nname = 'a'\n"))[1]


def test_a_probe_that_nobody_knows(tmp_path: Path) -> None:
    assert main(["doctor", "pbxs", "-c", site(tmp_path, "")]) == 1
    with pytest.raises(MisconfiguredError, match="there are: configuration, services, journal"):
        chosen(Config(), ["pbxs"])


def test_only_what_is_configured_is_looked_at() -> None:
    assert list(chosen(Config(), [])) == ["journal", "card", *BOARD]
    assert list(chosen(Config(), ["media", "pbx"])) == ["media", "pbx"]
    assert set(chosen(Config(), list(PROBES))) == set(PROBES)


def probe(findings: Any, limit_s: float = 60.0) -> Probe:
    return cast("Probe", SimpleNamespace(LIMIT_S=limit_s, findings=findings, wanted=lambda _: True))


def test_a_probe_that_fails_or_never_ends_is_a_finding_and_the_others_go_on() -> None:
    never = threading.Event()

    def fails(_: Scene) -> tuple[Finding, ...]:
        raise PermissionError(13, "Permission denied", "/dev/hidraw0")

    def endless(_: Scene) -> tuple[Finding, ...]:
        never.wait()
        return ()

    well = (Finding("well", "ok", "fine"),)
    probes = {"fails": probe(fails), "endless": probe(endless, 0.2), "well": probe(lambda _: well)}
    waited: list[str] = []
    found = dict(examined(Scene(Config(), FILE), probes, waited.append))
    never.set()
    assert list(found) == ["fails", "endless", "well"]
    assert (found["fails"][0].level, found["fails"][0].mend) == ("red", "sudo callfloor doctor fails")
    assert "/dev/hidraw0" in found["fails"][0].evidence
    assert found["endless"][0].evidence == "the look had not ended after 0.2 s"
    assert found["well"] == well
    assert set(waited) == {"endless"}


def test_a_site_adds_a_probe_by_installing_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "site_probe-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: site-probe\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[callfloor.probes]\nups = site_probe_of_a_test\n", encoding="utf-8")
    (tmp_path / "site_probe_of_a_test.py").write_text(
        "from appliance.doctor.finding import Finding\n"
        "LIMIT_S = 5.0\ndef wanted(config): return True\n"
        "def findings(scene): return (Finding('ups', 'amber', 'on battery', 'x', 'y', 'z'),)\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    probes = chosen(Config(), ["ups"])
    assert [finding.finding for _, told in examined(Scene(Config(), FILE), probes, str) for finding in told] == ["on battery"]
    assert "ups" in chosen(Config(), [])


def test_what_the_configuration_does_not_name_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for by name, where there is none of it."""
    for name in PROBES:
        code, said = call(capsys, name, "-c", site(tmp_path, ""))
        assert code == 0, name
        assert "had not ended" not in said
        assert name in said
    (found,) = dict(examined(Scene(Config(), FILE), chosen(Config(), ["pbx"]), str)).values()
    assert (found[0].level, found[0].finding) == ("ok", "nothing to look at")


@pytest.mark.parametrize("text", ["import a_package_that_is_not_there", "LIMIT_S = 5.0\ndef findings(scene): return ()"])
def test_a_probe_that_cannot_be_imported_or_is_none_is_a_finding(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"broken_probe_{len(text)}"
    info = tmp_path / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[callfloor.probes]\nups = {name}\n", encoding="utf-8")
    (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    found = dict(examined(Scene(Config(), FILE), {"ups": chosen(Config(), [])["ups"]}, str))
    assert [finding.item for finding in found["ups"]] == ["ups"]
    assert ("a_package_that_is_not_there" in found["ups"][0].evidence) == ("import" in text)


def test_a_person_sees_what_is_waited_for(tmp_path: Path) -> None:
    """A peer that takes the call and says nothing: the look lasts 3 s, and a line says so meanwhile."""
    ours, theirs = pty.openpty()
    with listening(b"") as port:
        command = [
            sys.executable,
            "-m",
            "appliance.cli.main",
            "doctor",
            "pbx",
            "-c",
            site(tmp_path, f'[pbx.a]\nport = {port}\nsecret_file = "pbx.secret"\n'),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
            said, _ = process.communicate(timeout=60)
        os.close(theirs)
        shown = bytearray()
        with suppress(OSError):  # EIO: the other side is closed, and all was read
            while part := os.read(ours, 4096):
                shown += part
        os.close(ours)
    assert "something answers, and it is no Asterisk manager" in said
    assert b"looking at pbx \xe2\x80\xa6 2 s" in shown
    assert shown.endswith(b"\r\x1b[K")


# -- services --------------------------------------------------------------------


def test_one_service_that_is_down_is_red_and_a_box_that_was_not_started_is_amber(tmp_path: Path) -> None:
    config = Config(pbx={"central": PbxConfig()}, journal=JournalConfig(path=tmp_path / "journal.db", run_dir=tmp_path))
    found = services.findings(Scene(config, FILE))
    assert [(each.item, each.level) for each in found] == [("service gateway", "amber"), ("service uplink", "amber")]
    assert found[0].mend == "sudo systemctl restart callfloor@gateway"
    assert found[0].evidence == f"nobody holds {tmp_path}/alive/gateway.lock"
    alive = Alive.open(tmp_path, "uplink")
    found = services.findings(Scene(config, FILE))
    assert [(each.item, each.level) for each in found] == [("services", "ok"), ("service gateway", "red")]
    alive.close()
    (unseen,) = services.judge(services.ServiceFacts({"gateway": None, "uplink": None}, tmp_path))
    assert (unseen.level, unseen.mend) == ("amber", "sudo callfloor doctor")


# -- seat boxes ------------------------------------------------------------------


def test_a_seat_box_that_is_away_is_told_until_it_is_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = site(tmp_path, '[headsets]\nboxes = ["isla-4", "isla-5"]\n[crm]\nurl = "mqtt://127.0.0.1:1"\n')
    code, said = call(capsys, "seat-boxes", "-c", file)
    assert (code, "no journal at" in said) == (1, True)
    clock = ManualClock()
    kept = SqliteJournal.open(tmp_path / "journal.db", run_dir=tmp_path / "run", clock=clock)

    def tell(box: str, text: str) -> None:
        data = BoxHealth(id=f"seat-box.{box}", level="amber" if text else "ok", text=text)
        kept.append([Event("box.health", "uplink/uplink", clock.wall_ns(), clock.mono_ns(), clock.boot, "synced", data)])

    code, said = call(capsys, "seat-boxes", "-c", file)
    assert (code, "nothing is said to be wrong" in said) == (0, True)
    away = SeatBox("isla-4").status("offline", None, named=True)[0]
    tell("isla-4", cast("BoxHealth", away).text)
    tell("isla-5", "the broker lets this box not read callfloor/1/s/isla-5/event/headset/# (0x87): mend its access rules")
    tell("former", "seat box former is offline")
    code, said = call(capsys, "seat-boxes", "-c", file)
    assert (code, "on isla-4: sudo systemctl" in said, "access rules" in said, "former" in said) == (0, True, True, False)
    tell("isla-4", "")
    tell("isla-5", "")
    code, said = call(capsys, "seat-boxes", "-c", file)
    assert (code, "is offline" in said, "nothing is said to be wrong" in said) == (0, False, True)
    kept.close()


# -- PBX and broker --------------------------------------------------------------


def test_something_else_answers_where_the_pbx_should() -> None:
    with listening(b"SSH-2.0-OpenSSH_9\r\n") as port:
        found = pbx.judge(pbx.probe("central", PbxConfig(port=port)))
    assert (found.level, found.finding) == ("red", "something answers, and it is no Asterisk manager")
    assert '"SSH-2.0-OpenSSH_9"' in found.evidence


@pytest.mark.parametrize(("host", "stage"), [("127.0.0.1", "refused"), ("a" * 64 + ".example", "name")])
def test_how_far_a_connection_gets(host: str, stage: str) -> None:
    facts = pbx.probe("central", PbxConfig(host=host, port=closed_port()))
    found = pbx.judge(facts)
    assert facts.reached.stage == stage
    assert (found.level, bool(found.mend), bool(found.evidence)) == ("red", True, True)


def certificate(folder: Path, *names: str) -> ssl.SSLContext:
    """A certificate of its own for these names, and a server that shows it."""
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=broker",
    ]
    command += ["-addext", f"subjectAltName={','.join(names)}", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def broker_findings(crm: Crm) -> tuple[Finding, ...]:
    return broker.findings(Scene(Config(crm=crm), FILE))


def test_a_broker_with_tls(tmp_path: Path) -> None:
    context = certificate(tmp_path, "IP:127.0.0.1")
    with listening(b"", context) as port:
        (found,) = broker_findings(Crm(url=f"mqtts://127.0.0.1:{port}", ca_file=tmp_path / "cert.pem"))
    assert (found.level, "its certificate is good" in found.evidence) == ("ok", True)


@pytest.mark.parametrize(
    ("names", "ca", "said"), [("DNS:other.example", True, "not valid for '127.0.0.1'"), ("IP:127.0.0.1", False, "self")]
)
def test_a_certificate_that_is_not_the_brokers(names: str, ca: bool, said: str, tmp_path: Path) -> None:
    context = certificate(tmp_path, names)
    with listening(b"", context) as port:
        (found,) = broker_findings(Crm(url=f"mqtts://127.0.0.1:{port}", ca_file=tmp_path / "cert.pem" if ca else None))
    assert (found.level, found.finding) == ("red", "TLS failed")
    assert said in found.evidence
    assert found.mend.startswith(f"openssl s_client -connect 127.0.0.1:{port}")


def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none", encoding="utf-8")
    (found,) = broker_findings(Crm(url="mqtts://127.0.0.1:1", ca_file=tmp_path / "ca.pem"))
    assert (found.level, found.mend) == ("red", "callfloor check -c callfloor.toml")


def test_one_broker_of_two_is_no_outage() -> None:
    with listening() as port:
        down, up = broker_findings(Crm(url=(f"mqtt://127.0.0.1:{closed_port()}", f"mqtt://127.0.0.1:{port}")))
    assert (down.level, up.level) == ("amber", "ok")
    assert down.consequence == "the others are tried in their order"


def test_name_servers_that_never_answer_keep_nobody_from_going_home(tmp_path: Path) -> None:
    """The resolver's own patience may be minutes: it is said after one step, and the verb ends although the look-up does not."""
    never = (
        "import socket, sys, threading\n"
        "known = socket.getaddrinfo\n"
        "def dead(name, *more, **few): return known(name, *more, **few) if name[0].isdigit() else threading.Event().wait()\n"
        "socket.getaddrinfo = dead\n"
        "from appliance.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    with listening() as port:
        urls = f'"mqtt://crm.example:1883", "mqtt://127.0.0.1:{port}"'
        file = site(tmp_path, f"[crm]\nurl = [{urls}]\ninsecure = true\n")
        said = subprocess.run(
            [sys.executable, "-c", never, "doctor", "broker", "--json", "-c", file],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    _, dead, well = json.loads(said.stdout)["findings"]
    assert (said.returncode, dead["level"], well["level"]) == (0, "amber", "ok")
    assert (dead["finding"], dead["evidence"]) == ("its name is not known", "crm.example:1883: no name server answered within 3 s")


def test_a_network_that_swallows() -> None:
    at = Reached("crm.example:8883", "silent", "no answer within 3 s")
    endpoint = broker.Endpoint("mqtts://crm.example:8883", "crm.example", 8883, tls=True, local=False)
    (found,) = broker.judge(((endpoint, at),))
    assert (found.level, found.mend) == ("red", "ping -c 3 crm.example")


# -- journal ---------------------------------------------------------------------


def journal_levels(**told: Any) -> list[tuple[str, str]]:
    stats = {"last_seq": 5, "bytes": 1000, "wal_bytes": 0, "pressure": False, "account": {"recorded": 5, "skipped": 0}}
    stats = {key: told.pop(key, value) for key, value in stats.items()}
    facts = JournalFacts(Path("/var/lib/callfloor/journal.db"), True, 2**31, "/", "ext4", 10**12, Stats(**cast("dict[str, Any]", stats)))
    return [(found.level, found.finding) for found in journal.judge(replace(facts, **told), FILE)]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, [("ok", "it can be read, and has room")]),
        ({"kind": "nfs4"}, [("red", "it lies on a network share")]),
        ({"free_bytes": 10_000}, [("red", "its disk is nearly full")]),
        ({"free_bytes": 100 * 1024**2}, [("amber", "its disk is nearly full")]),
        ({"wal_bytes": 10**9}, [("amber", "its log does not shrink")]),
        ({"pressure": True}, [("amber", "its budget is nearly used up")]),
        ({"account": {"recorded": 5, "skipped": 2}}, [("amber", "the broker would not take some events")]),
    ],
)
def test_how_a_journal_is(told: dict[str, Any], said: list[tuple[str, str]]) -> None:
    assert journal_levels(**told) == said


def test_a_file_that_is_no_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"no journal" * 1000)
    before = sorted(tmp_path.iterdir())
    config = Config(journal=JournalConfig(path=tmp_path / "journal.db", run_dir=tmp_path))
    (found,) = journal.findings(Scene(config, FILE))
    assert (found.level, found.finding) == ("red", "it cannot be read")
    assert "not a journal" in found.evidence or "damaged" in found.evidence
    assert sorted(tmp_path.iterdir()) == before


# -- device files ------------------------------------------------------------------


def test_device_files_by_the_rights_of_the_services_user(tmp_path: Path) -> None:
    assert media.judge(Medium("led a", (Node("/dev/spidev0.0"),), "enable it"), WHO).mend == "enable it"
    found = media.judge(Medium("sign a", (Node("/dev/ttyUSB0", True, "root:dialout 0660"),), ""), WHO)
    assert (found.level, found.mend) == ("red", "sudo usermod -aG dialout callfloor && sudo systemctl restart callfloor@wallboard")
    chips = (Node("/dev/gpiochip0", True, "root:root 0600"), Node("/dev/gpiochip4", True, "root:gpio 0660", may=True))
    assert media.judge(Medium("beacon a", chips, ""), WHO).level == "ok"
    file = tmp_path / "node"
    file.touch()
    assert node_of(str(file), service_user()).may or service_user().name == "callfloor"
    assert not node_of(str(tmp_path / "none"), WHO).there


@pytest.mark.parametrize(
    ("mode", "write", "may"), [(0o660, True, True), (0o640, True, False), (0o640, False, True), (0o606, True, False), (0o000, False, False)]
)
def test_the_groups_bits_count_for_its_members(mode: int, write: bool, may: bool) -> None:
    assert may_by_mode(mode, 0, 990, WHO, write=write) is may


def test_what_is_simulated_or_on_the_network_needs_no_file() -> None:
    boards = Wallboard(led={"a": Led()}, sign={"b": Sign(url="tcp://192.168.1.30:10001")}, beacon={"c": Beacon(url="sim:")})
    assert list(media.probe(Config(wallboard=boards), WHO)) == []
    real = Wallboard(
        led={"a": Led(url="spi:7.0,1")}, sign={"b": Sign(url="serial:///dev/ttyNONE7")}, beacon={"c": Beacon(url="gpio:?chip=9")}
    )
    found = [media.judge(each, WHO) for each in media.probe(Config(wallboard=real), WHO)]
    assert [each.evidence for each in found] == ["no /dev/spidev7.0", "no /dev/spidev7.1", "no /dev/ttyNONE7", "no /dev/gpiochip9"]


def test_it_runs_without_the_packages_of_hardware_that_is_not_there(tmp_path: Path) -> None:
    """A laptop without pyusb, luma or gpiozero still has a doctor."""
    config = site(tmp_path, "[headsets]\n")
    hide = "import sys; sys.modules.update(dict.fromkeys(('usb', 'pyudev', 'luma', 'gpiozero', 'serial', 'spidev')))"
    program = f"{hide}; from appliance.cli.main import main; sys.exit(main(['doctor', 'headsets', '-c', {config!r}, '--json']))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert said.stderr == ""
    assert json.loads(said.stdout)["findings"]
