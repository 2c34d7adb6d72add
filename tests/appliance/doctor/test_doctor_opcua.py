"""What the doctor says of the OPC UA server: listening or not, its certificate's end, nobody trusted."""

from __future__ import annotations

import socket
from pathlib import Path

from appliance.core.clock import NS, SystemClock, wall_ns_from_rfc3339
from appliance.core.config import Config, JournalConfig
from appliance.core.opcua_config import OpcuaConfig
from appliance.doctor.opcua import judge, probe, wanted
from gateway.opcua.identity import expires, identity


def _config(folder: Path, port: int) -> Config:
    return Config(journal=JournalConfig(path=folder / "journal.db"), opcua=OpcuaConfig(listen=f"127.0.0.1:{port}"))


def test_a_server_that_listens_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        config = _config(tmp_path, server.getsockname()[1])
        assert wanted(config)
        assert config.opcua is not None
        shown = identity(config, config.opcua, SystemClock().wall_ns())
        assert identity(config, config.opcua, SystemClock().wall_ns()) == shown, "made once"
        facts = probe(config)
        end_ns = wall_ns_from_rfc3339(expires(shown.certificate).isoformat())
        levels = {row.finding: row.level for row in judge(facts, SystemClock().wall_ns())}
        assert levels == {
            "it listens": "ok",
            f"its certificate holds until {expires(shown.certificate):%Y-%m-%d}": "ok",
            "no client is trusted": "amber",
        }
        assert [row.level for row in judge(facts, end_ns - 20 * 86_400 * NS)] == ["ok", "amber", "amber"]
        assert [row.level for row in judge(facts, end_ns + NS)] == ["ok", "red", "amber"]
        (tmp_path / "opcua" / "trusted" / "a.pem").write_bytes(shown.certificate)
        assert len(judge(probe(config), SystemClock().wall_ns())) == 2
    assert (tmp_path / "opcua" / "key.pem").stat().st_mode & 0o077 == 0


def test_nothing_there_yet(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = judge(probe(_config(tmp_path, port)), SystemClock().wall_ns())
    assert [(row.level, row.finding) for row in found] == [("red", "nothing listens there"), ("amber", "no client is trusted")]
    assert "journalctl" in found[0].mend
    assert not wanted(Config())
