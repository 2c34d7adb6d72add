"""What [opcua] may not say, with the mend; and passwords as they are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.config_file import ConfigFaultsError, config_from_toml
from appliance.core.password import fits, is_line, line_from_password

USER = '[opcua.users.ana]\ncertificate = "' + "ab" * 32 + '"\n'


def faults(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigFaultsError) as told:
        config_from_toml(text, tmp_path / "callfloor.toml", {})
    return str(told.value)


def test_what_is_right(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text(line_from_password("a good password"))
    config = config_from_toml(
        '[opcua]\nlisten = "opc.tcp://0.0.0.0:4841"\n[opcua.users.leo]\npassword_file = "pw"\n' + USER, tmp_path / "c.toml", {}
    )
    assert config.opcua is not None
    assert config.opcua.users["leo"].password_file == tmp_path / "pw"
    assert config.opcua.users["ana"].role == "read"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[opcua]\n", "nobody may log in"),
        ('[opcua]\nlisten = "127.0.0.1:http"\n' + USER, "listen"),
        ('[opcua]\nlisten = "0.0.0.0:4840"\ninsecure = true\n' + USER, "lets everybody on the network listen in"),
        ('[opcua]\ntrusted = "nowhere"\n' + USER, "there is no folder"),
        ('[opcua]\ncert_file = "none.pem"\n' + USER, "there is no file"),
        ("[opcua.users.ana]\n", "can neither show a password nor a certificate"),
        ('[opcua.users.ana]\ncertificate = "ab:cd"\n', "is no SHA-256 thumbprint"),
        ('[opcua.users.ana]\npassword_file = "plain"\n', "holds no hash of a password"),
        ('[opcua.users.ana]\nrole = "admin"\n', "role"),
        ('[opcua.users."Ana María"]\ncertificate = "' + "ab" * 32 + '"\n', "may hold only"),
    ],
)
def test_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "plain").write_text("hunter2\n")
    assert says in faults(tmp_path, text)


@settings(max_examples=5)
@given(st.text(min_size=1, max_size=40), st.text(max_size=40))
def test_a_password_fits_its_own_line_alone(password: str, other: str) -> None:
    line = line_from_password(password)
    assert is_line(line)
    assert fits(password, line)
    assert other == password or not fits(other, line)


@given(st.text(max_size=80))
def test_any_text_is_a_line_or_none(text: str) -> None:
    assert not is_line(text)
    assert not fits("x", text)
