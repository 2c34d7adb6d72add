"""The verbs: help, usage, exit codes, JSON, and that looking into a journal changes nothing."""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from appliance.cli.main import VERBS, main
from appliance.core.config import Config
from appliance.core.event import body_from_event
from appliance.core.journal import Cursor
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.core.journal_sqlite import SqliteJournal
from appliance.replay import events_from_capture

CAPTURE = Path(__file__).parents[2] / "captures" / "S1_quiet"


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("capture") / "s1.jsonl"
    path.write_bytes(gzip.decompress((CAPTURE / "lean.jsonl.gz").read_bytes()))
    return path


@pytest.fixture
def site(tmp_path: Path, capture: Path) -> Path:
    """A configuration and a journal with a recorded quarter of an hour in it, some of it acknowledged."""
    (tmp_path / "callfloor.toml").write_text("[site]\nname = 'quito'\nlanguage = 'en'\n[journal]\npath = 'journal.db'\n")
    journal = SqliteJournal.open(tmp_path / "journal.db", run_dir=tmp_path / "run")
    journal.append(list(events_from_capture(capture, Config())))
    journal.save("uplink", Cursor(journal.epoch, 5, 5))
    journal.close()
    return tmp_path


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([verb, "--help"])
    told = capsys.readouterr().out
    assert end.value.code == 0
    assert f"callfloor {verb}" in told.partition("examples:")[2]
    assert all(len(line) <= 130 for line in told.splitlines())


def sub_verbs(verb: str) -> list[str]:
    parser = argparse.ArgumentParser()
    importlib.import_module(f"appliance.cli.{verb}").add_arguments(parser)
    return [name for action in parser._actions if isinstance(action, argparse._SubParsersAction) for name in action.choices]


@pytest.mark.parametrize(("verb", "sub"), [(verb, sub) for verb in VERBS for sub in sub_verbs(verb)])
def test_every_sub_verb_has_help_with_examples(verb: str, sub: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([verb, sub, "--help"])
    told = capsys.readouterr().out
    assert end.value.code == 0
    assert re.search(rf"^(  |example: )(sudo )?callfloor {verb} {sub}\b", told, re.M)


def test_sub_verbs_that_texts_name_are_there() -> None:
    known = {verb: {*subs, "--help"} for verb in VERBS if (subs := sub_verbs(verb))}
    root = Path(__file__).parents[3]
    for path in [
        root / "README.md",
        *(page for top in ("appliance", "docs", "gateway", "headsets", "wallboard") for page in (root / top).rglob("*")),
    ]:
        if path.suffix not in (".py", ".md") or not path.is_file():
            continue
        for verb, sub in re.findall(r"callfloor ([a-z]+) ([a-z-]+)\b(?!\|)", path.read_text(encoding="utf-8")):
            assert verb not in known or sub in known[verb], f"{path}: callfloor {verb} {sub}"


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys)
    assert (code, out) == (2, "")
    assert all(f"\n  {verb} " in err for verb in VERBS)
    assert call(capsys, "--help")[0] == 0
    code, _, err = call(capsys, "replya")
    assert code == 2
    assert "did you mean replay?" in err
    with pytest.raises(SystemExit) as end:
        main(["journal"])
    assert end.value.code == 2


def test_check_tells_every_fault_and_its_json_is_for_scripts(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = site / "callfloor.toml"
    assert call(capsys, "check", "-c", str(file)) == (0, f"{file}: no fault; enables no service\n", "")
    file.write_text("[site]\nbox = 'Piso 3'\n[kpi]\ntarget_s = 0\n")
    code, out, _ = call(capsys, "check", "-c", str(file))
    assert code == 1
    assert f"{file}:2: site.box" in out
    assert out.endswith("2 faults\n")
    code, out, _ = call(capsys, "check", "-c", str(file), "--json")
    told = json.loads(out)
    assert (code, told["ok"], [fault["line"] for fault in told["faults"]]) == (1, False, [2, 4])
    assert set(told["faults"][0]) == {"file", "line", "key", "fault", "mend"}
    assert call(capsys, "check", "-c", str(site / "gone.toml"))[0] == 1


def test_replay_prints_the_floor(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "replay", str(capture), "--json")
    truth = json.loads((CAPTURE / "truth.json").read_text())
    assert code == 0
    assert json.loads(out)["floor"]["today"]["offered"] == sum(queue["offered"] for queue in truth["queues"].values())
    code, out, _ = call(capsys, "replay", str(capture))
    assert (code, "Service level" in out) == (0, True)
    assert all(len(line) <= 80 for line in out.splitlines())
    code, _, err = call(capsys, "replay", str(capture.parent / "gone"))
    assert code == 1
    assert "No such file" in err


def test_decode_ami_reads_bytes_and_captures(tmp_path: Path, capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "session").write_bytes(b"Asterisk Call Manager/9.0\r\nEvent: A\r\nX: 1\r\nX: 2\r\n\r\n")
    code, out, _ = call(capsys, "decode", "ami", str(tmp_path / "session"), "--json")
    assert code == 0
    assert [json.loads(line)["type"] for line in out.splitlines()] == ["banner", "event"]
    assert json.loads(out.splitlines()[1])["fields"]["X"] == ["1", "2"]
    code, out, _ = call(capsys, "decode", "ami", str(capture))
    assert (code, json.loads(out.splitlines()[0])["type"]) == (0, "banner")
    assert call(capsys, "decode", "ami", str(tmp_path / "gone"))[0] == 1


def test_journal_verbs(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(site / "callfloor.toml")
    before = {path.name: path.stat().st_mtime_ns for path in site.iterdir()}
    code, out, _ = call(capsys, "journal", "stats", "-c", config, "--json", "--kinds")
    stats = json.loads(out)
    assert code == 0
    assert stats["account"]["delivered"] == 5
    assert sum(stats["account"][name] for name in ("delivered", "waiting", "shed", "skipped")) == stats["account"]["recorded"]
    assert sum(stats["kinds"].values()) == stats["last_seq"]
    assert call(capsys, "journal", "stats", "-c", config)[1].startswith(f"journal {site}/journal.db")

    code, out, _ = call(capsys, "journal", "tail", "-n", "3", "--kind", "call.*", "--json", "-c", config)
    rows = [json.loads(line) for line in out.splitlines()]
    assert len(rows) == 3
    assert all(row["kind"].startswith("call.") for row in rows)
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)

    code, _, err = call(capsys, "journal", "export", "--journal", str(site / "journal.db"), "-o", str(site.parent / f"{site.name}.jsonl"))
    exported = (site.parent / f"{site.name}.jsonl").read_text().splitlines()
    assert (code, err) == (0, f"{stats['last_seq']} events\n")
    assert len(exported) == stats["last_seq"]

    code, out, _ = call(capsys, "journal", "verify", "-c", config, "--json")
    assert (code, json.loads(out)["ok"]) == (0, True)
    assert {path.name: path.stat().st_mtime_ns for path in site.iterdir()} == before, "looking changes nothing and makes no file"


def test_a_damaged_journal_is_told(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, journal = str(site / "callfloor.toml"), site / "journal.db"
    raw = bytearray(journal.read_bytes())
    at = raw.rindex(b'"k":"call.')
    raw[at : at + 5] = b"\0\0\0\0\0"
    journal.write_bytes(raw)
    code, out, _ = call(capsys, "journal", "verify", "-c", config)
    assert code == 1
    assert "damaged" in out
    journal.write_bytes(b"nothing of the kind" * 100)
    assert call(capsys, "journal", "stats", "-c", config)[0] == 1
    journal.unlink()
    code, _, err = call(capsys, "status", "-c", config)
    assert code == 1
    assert "no journal at" in err


def test_status_and_explain(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(site / "callfloor.toml")
    code, out, _ = call(capsys, "status", "-c", config, "--json")
    assert (code, json.loads(out)["site"]) == (0, "quito")
    code, out, _ = call(capsys, "status", "-c", config, "--language", "es")
    assert (code, "Nivel de servicio" in out) == (0, True)
    code, out, _ = call(capsys, "explain", "service_level", "-c", config)
    assert code == 0
    assert "service_level (handled, T = 15 s), floor, today:" in out
    assert call(capsys, "explain", "service_level", "--queue", "nobody", "-c", config)[0] == 2


def test_the_read_only_journal_answers_as_the_writer_does_beside_it(site: Path) -> None:
    writer = SqliteJournal.open(site / "journal.db", run_dir=site / "run")
    reader = ReadonlyJournal(site / "journal.db")
    try:
        row = writer.read(0)[-1]
        assert reader.head() == writer.head()
        assert reader.read(0) == writer.read(0)
        assert reader.read_n(3, 9) == writer.read_n(3, 9)
        assert reader.account("uplink") == writer.account("uplink")
        assert reader.first_seq() == writer.first_seq()
        assert row.body
    finally:
        reader.close()
        writer.close()


def test_send_checks_what_it_is_given(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(site / "callfloor.toml")
    for words in (["announce"], ["announce", "text"], ["announce", "txt=a"], ["resend", "from=x", "to=2"], ["resend", "from=5", "to=2"]):
        code, _, err = call(capsys, "send", *words, "-c", config)
        assert code == 2
        assert "it takes" in err
    code, _, err = call(capsys, "send", "ping", "--id", "x,origination_uuid=y", "--wait", "0", "-c", config)
    assert (code, "is no id" in err) == (2, True)
    code, _, err = call(capsys, "send", "announce", "text=Hola", "boards=a,b", "--id", "x-1", "--wait", "0", "-c", config)
    assert code == 1
    assert "command x-1 is recorded, and nothing carried it out" in err
    code, out, _ = call(capsys, "journal", "tail", "-n", "1", "--json", "-c", config)
    assert json.loads(out)["data"]["args"] == {"text": "Hola", "boards": ["a", "b"]}
    last = json.loads(out)["seq"]
    code, _, err = call(capsys, "send", "ping", "--id", "x-1", "--wait", "0", "-c", config)
    assert (code, "id_reused" in err) == (1, True)
    assert call(capsys, "send", "announce", "text=Hola", "boards=a,b", "--id", "x-1", "--wait", "0", "-c", config)[0] == 1
    assert json.loads(call(capsys, "journal", "tail", "-n", "1", "--json", "-c", config)[1])["seq"] == last, "an id is recorded once"


def test_schema_version_and_template(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(call(capsys, "schema", "config")[1])
    assert json.loads(call(capsys, "schema", "asyncapi")[1])["asyncapi"].startswith("3.")
    assert json.loads(call(capsys, "version", "--json")[1])["callfloor"] == metadata_version()
    assert "[callfloor]" in call(capsys, "pbx", "template", "asterisk")[1]


def metadata_version() -> str:
    return version("callfloor")


def test_a_reader_that_has_seen_enough_is_no_fault(site: Path) -> None:
    command = f"{sys.executable} -m appliance.cli.main journal export -c {site}/callfloor.toml | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], check=False, capture_output=True, text=True, timeout=30, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_the_first_event_comes_before_the_heavy_imports(site: Path) -> None:
    code = (
        "import sys\nfrom appliance.cli.main import main\nimport appliance.runner as runner\n"
        "runner._serve = lambda *a, **k: print(*sorted(sys.modules)) or 0\n"
        "sys.exit(main(['run', 'uplink', '-c', 'callfloor.toml']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=site, capture_output=True, text=True, timeout=30, check=True)
    loaded = set(done.stdout.split())
    assert "appliance.core.journal_sqlite" in loaded
    heavy = {"asyncio", "aiohttp", "paho", "logging", "zoneinfo", "difflib", "hashlib", "typing_extensions", "appliance.floor", "PIL"}
    assert not loaded & heavy


def test_bodies_of_an_export_fold_again(site: Path, capture: Path) -> None:
    events = list(events_from_capture(capture, Config()))
    journal = ReadonlyJournal(site / "journal.db")
    try:
        rows = journal.read(0)[1:]
        assert [row.body for row in rows] == [body_from_event(event) for event in events][: len(rows)]
    finally:
        journal.close()
