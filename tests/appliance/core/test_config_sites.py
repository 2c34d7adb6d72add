"""[sites.KEY]: a name that is none, this box itself, one box twice, no broker: each fault with its line, key and mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.config import SiteConfig
from appliance.core.config_file import ConfigFaultsError, config_from_toml

HEAD = '[site]\nname = "quito"\nbox = "piso-3"\n'
BROKER = '[crm]\nurl = "mqtt://127.0.0.1:1883"\n'


def faults(text: str, folder: Path) -> list[str]:
    with pytest.raises(ConfigFaultsError) as caught:
        config_from_toml(text, folder / "callfloor.toml", {})
    return [str(fault).removeprefix(str(folder / "callfloor.toml")) for fault in caught.value.faults]


def test_sites_are_read_with_what_they_leave_out(tmp_path: Path) -> None:
    text = f'{HEAD}{BROKER}[sites.sur]\nsite = "guayaquil-sur"\nbox = "piso-1"\ntitle = "Guayaquil"\n[sites.cuenca]\nbox = "b"\n'
    config = config_from_toml(text, tmp_path / "callfloor.toml", {})
    assert config.sites == {"sur": SiteConfig(site="guayaquil-sur", box="piso-1", title="Guayaquil"), "cuenca": SiteConfig(box="b")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'{HEAD}[sites.sur]\nbox = "b"\n', ["other sites are read from the broker, and none is configured"]),
        (f"{HEAD}[crm]\n[sites.sur]\nbox = 'b'\n", ["other sites are read from the broker"]),
        (f"{HEAD}{BROKER}[sites.sur]\n", [":6: sites.sur: the key box is missing"]),
        (f"{HEAD}{BROKER}[sites.sur]\nbox = 'Piso 1'\nsite = 'Quito Sur'\n", ["write \"quito-sur\"", "write \"piso-1\""]),
        (f"{HEAD}{BROKER}[sites.\"Sur 1\"]\nbox = 'b'\nsite = 's'\n", ["write [sites.sur-1]"]),
        (f"{HEAD}{BROKER}[sites.yo]\nsite = 'quito'\nbox = 'piso-3'\n", ["this is this very box"]),
        (f"{HEAD}{BROKER}[sites.quito]\nbox = 'piso-4'\n", ["call it [sites.quito-piso-4]"]),
        (f"{HEAD}{BROKER}[sites.a]\nsite = 's'\nbox = 'b'\n[sites.s]\nbox = 'b'\n", ["the same box as [sites.a]"]),
        (HEAD + BROKER + "".join(f"[sites.s{n}]\nbox = 'b'\n" for n in range(65)), ["65 sites; a box shows 64 at most"]),
    ],
)  # fmt: skip
def test_each_fault_is_named(text: str, said: list[str], tmp_path: Path) -> None:
    found = faults(text, tmp_path)
    assert len(found) == len(said), found
    for part in said:
        assert any(part in fault for fault in found), found


def test_another_floor_box_of_the_same_site_is_another_site(tmp_path: Path) -> None:
    text = f'{HEAD}{BROKER}[sites.piso-4]\nsite = "quito"\nbox = "piso-4"\n'
    assert list(config_from_toml(text, tmp_path / "callfloor.toml", {}).sites) == ["piso-4"]
