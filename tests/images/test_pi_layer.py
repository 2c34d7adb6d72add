"""The layer for rpi-image-gen, as far as it can be judged without it: its head, its hooks, that it names what the package depends on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "images/pi/callfloor.yaml").read_text()


def test_the_head_declares_what_the_layer_uses() -> None:
    head = TEXT.split("# METAEND")[0]
    assert head.startswith("# METABEGIN\n")
    for key in ("Name", "Version", "Category", "Desc", "Requires"):
        assert re.search(rf"^# X-Env-Layer-{key}: \S", head, re.MULTILINE), key
    prefix = re.search(r"X-Env-VarPrefix: (\w+)", head)
    assert prefix is not None
    declared = {f"IGconf_{prefix[1]}_{name}" for name in re.findall(r"^# X-Env-Var-(\w+): ", head, re.MULTILINE)}
    assert set(re.findall(r"\$(IGconf_\w+)", TEXT)) == declared


def test_it_says_that_it_was_only_linted() -> None:
    assert "Linted only" in TEXT


def test_every_hook_is_shell_that_a_shell_can_read() -> None:
    hooks = re.findall(r"^    - \|-\n((?:      .*\n)+)", TEXT, re.MULTILINE)
    assert len(hooks) == 2
    for hook in hooks:
        assert subprocess.run(["sh", "-n"], input=hook, text=True, check=False).returncode == 0, hook


def test_what_the_package_depends_on_is_installed_before_it() -> None:
    control = (PROJECT / "images/package/debian/control").read_text()
    depends = re.search(r"^Depends: (.*)$", control, re.MULTILINE)
    assert depends is not None
    wanted = {name.split()[0] for name in depends[1].split(", ") if not name.startswith(("${", "libc6"))}
    listed = set(re.findall(r"^    - ([a-z0-9.+-]+)$", TEXT, re.MULTILINE))
    assert wanted <= listed, wanted - listed
