"""What `doctor` says of analog lines and call-record ports: adapters, rights, the far end, and the sense that a line lacks."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.core.alive import Alive
from appliance.doctor.port import judge, port_finding
from appliance.doctor.who import Node, Who, service_user

WHO = Who("callfloor", 990, frozenset({990}))


def doctor(folder: Path, text: str, capsys: pytest.CaptureFixture[str], *probes: str) -> dict[str, dict[str, str]]:
    path = folder / "callfloor.toml"
    path.write_text(text)
    main(["doctor", *probes, "-c", str(path), "--json"])
    return {each["item"]: each for each in json.loads(capsys.readouterr().out)["findings"]}


def test_adapters_and_missing_senses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    master, slave = os.openpty()
    text = f"""
[lines.l1]
url = "serial://{os.ttyname(slave)}"
hook_sense = true
[lines.l2]
url = "serial:///dev/callfloor-nowhere"
[lines.rack]
url = "udp://0.0.0.0:3520"
[lines.rack.line.1]
[lines.rack.line.2]
hook_sense = false
[lines.door]
url = "sim:"
kind = "pins"
ring = 5
[lines.box.gateway]
address = "192.0.2.7"
[lines.box.line.1]
user = "linea-1"
"""
    found = doctor(tmp_path, text, capsys, "lines")
    for end in (master, slave):
        os.close(end)
    assert {item: each["level"] for item, each in found.items() if item != "configuration"} == {
        "lines l1": "ok", "lines l2": "red", "lines rack": "ok", "lines door": "ok", "lines box": "ok",
        "line l2": "amber", "line rack-2": "amber", "line door": "amber", "line box-1": "amber",
    }  # fmt: skip
    assert "never abandoned" in found["lines l2"]["consequence"]
    assert "hook_sense = true" in found["line l2"]["mend"]
    assert "loop = PIN" in found["line door"]["mend"]
    assert "answered, abandoned" in found["line box-1"]["consequence"]


def test_ports_of_call_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as gone:
        port, other = server.getsockname()[1], gone.getsockname()[1]
        gone.close()
        text = f"""
[journal]
path = "journal.db"
run_dir = "run"
[smdr.norte]
url = "tcp://127.0.0.1:{port}"
[smdr.sur]
url = "tcp://127.0.0.1:{other}"
[smdr.este]
url = "listen://127.0.0.1:10300"
"""
        found = doctor(tmp_path, text, capsys, "smdr")
        # One caller is all that many of them take: while the gateway runs, it is left alone.
        alive = Alive.open(tmp_path / "run", "gateway")
        held = doctor(tmp_path, text, capsys, "smdr")
        alive.close()
    assert [found[f"smdr {name}"]["level"] for name in ("norte", "sur", "este")] == ["ok", "red", "ok"]
    assert [held[f"smdr {name}"]["finding"] for name in ("norte", "sur")] == ["the running gateway holds it"] * 2
    assert "are not recorded" in found["smdr sur"]["consequence"]


def test_rights_and_urls() -> None:
    shut = judge("lines l1", (Node("/dev/ttyUSB0", True, "root:dialout 0660"),), "dark", WHO, "")
    assert (shut.level, "usermod -aG dialout callfloor" in shut.mend) == ("red", True)
    assert port_finding("lines l1", "serial:nowhere", "dark", service_user()).finding == "its url is none"
    pins = port_finding("lines l1", "gpio:?chip=4", "dark", service_user())
    assert (pins.level, "gpiochip4" in pins.evidence) == ("ok" if Path("/dev/gpiochip4").exists() else "red", True)
