"""What the description of call-record ports may not say, each fault with its key; and what it may."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.config_file import ConfigFaultsError, load
from appliance.registry import enabled


def write(folder: Path, text: str) -> Path:
    path = folder / "callfloor.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_ports_of_every_kind(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text("name = 'acme'")
    (tmp_path / "login").write_text("SMDR\nsecret\n")
    text = """
[smdr.norte]
url = "serial:///dev/ttyUSB0?baud=1200&format=7E1"
profile = "panasonic"
dates = "dmy"
[smdr.sur]
url = "tcp://192.168.1.10:2300"
profile_file = "acme.toml"
login_file = "login"
silent_s = 86400
[smdr.este]
url = "listen://0.0.0.0:10300"
allow = ["192.168.1.12"]
"""
    config = load(write(tmp_path, text))
    assert config.smdr["sur"].profile_file == tmp_path / "acme.toml"
    assert "gateway" in enabled(config)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[smdr.norte]\nurl = "COM3"', "smdr.norte.url"),
        ('[smdr.norte]\nurl = "listen://0.0.0.0:10300"', "smdr.norte.url"),
        ('[smdr.norte]\nurl = "listen://10300"', "smdr.norte.url"),
        ('[smdr.norte]\nurl = "listen://0.0.0.0:10300"\nallow = ["norte"]', "smdr.norte.allow"),
        ('[smdr.norte]\nurl = "tcp://192.168.1.10:2300"\nallow = ["192.168.1.0/24"]', "smdr.norte.allow"),
        ('[smdr.norte]\nurl = "tcp://h:1"\nprofile = "nec"\nprofile_file = "callfloor.toml"', "smdr.norte.profile"),
        ('[smdr.norte]\nurl = "tcp://h:1"\nprofile_file = "none.toml"', "smdr.norte.profile_file"),
        ('[smdr.norte]\nurl = "tcp://h:1"\nlogin_file = "none"', "smdr.norte.login_file"),
        ('[smdr.a]\nurl = "serial:///dev/ttyS0"\n[smdr.b]\nurl = "serial:///dev/ttyS0?baud=1200"', "smdr.b.url"),
        ('[smdr."Norte 1"]\nurl = "tcp://h:1"', 'smdr."Norte 1"'),
        ('[smdr.norte]\nurl = "tcp://h:1"\nsilent_s = -1', "smdr.norte.silent_s"),
    ],
)
def test_what_it_may_not_say(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigFaultsError) as caught:
        load(write(tmp_path, text))
    assert key in [fault.key for fault in caught.value.faults] or any(fault.key.startswith(key) for fault in caught.value.faults), (
        caught.value
    )


def test_a_port_and_a_pbx_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("x")
    with pytest.raises(ConfigFaultsError, match="same name"):
        load(write(tmp_path, '[pbx.norte]\nsecret_file = "s"\n[smdr.norte]\nurl = "tcp://h:1"'))
