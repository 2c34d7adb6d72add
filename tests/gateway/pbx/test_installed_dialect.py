"""The package of docs/adding-a-pbx.md, installed beside Callfloor: a box speaks to its PBX, and its calls are on the floor."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "contract"))

from pbx_day import PLAN
from slate_package import write_installed
from slate_sim import SimSlate

CALLFLOOR = Path(sys.executable).parent / "callfloor"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder that holds the page's package as pip leaves it there."""
    (tmp_path / "site").mkdir()
    write_installed(tmp_path / "site")
    return tmp_path / "site"


async def callfloor(env: dict[str, str], *words: str) -> tuple[int, bytes, bytes]:
    process = await asyncio.create_subprocess_exec(
        CALLFLOOR, *words, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    return process.returncode or 0, out, err


async def test_its_calls_are_on_the_floor(site: Path, tmp_path: Path) -> None:
    (tmp_path / "slate.secret").write_text("slate\n")
    file = tmp_path / "callfloor.toml"
    async with SimSlate(PLAN, seed=2, speed=20) as pbx:
        file.write_text(
            '[site]\nname = "lejos"\nbox = "caja"\ntimezone = "UTC"\nlanguage = "es"\n\n[journal]\npath = "journal.db"\nrun_dir = "run"\n\n'
            f'[pbx.central]\nkind = "slate"\nport = {pbx.port}\nsecret_file = "slate.secret"\n'
        )
        env = {**os.environ, "PYTHONPATH": str(site)}
        code, out, err = await callfloor({**os.environ, "PYTHONPATH": ""}, "check", "-c", str(file))
        assert code == 1, "the kind is not known where the package is not installed"
        assert b'no kind of PBX "slate"' in out + err
        code, out, err = await callfloor(env, "check", "-c", str(file))
        assert code == 0, out + err
        box = await asyncio.create_subprocess_exec(
            CALLFLOOR, "run", "gateway", "-c", str(file), env=env, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(60):
                while not (floor := await snapshot(env, file)):
                    assert box.returncode is None
                    await asyncio.sleep(0.3)
        finally:
            box.terminate()
            await box.wait()
    assert floor["pbx"]["central"]["state"] == "up"
    assert {"ventas", "soporte"} <= set(floor["queues"])
    assert any(agent["state"] == "talking" for agent in floor["agents"].values()) or floor["queues"]["ventas"]["today"]["answered"]


async def snapshot(env: dict[str, str], file: Path) -> dict[str, dict[str, dict[str, object]]]:
    """The floor once somebody was answered in two queues; empty before."""
    code, out, _ = await callfloor(env, "status", "--json", "-c", str(file))
    floor = json.loads(out) if code == 0 and out else {}
    queues = floor.get("queues", {})
    answered = [queue for queue in ("ventas", "soporte") if queues.get(queue, {}).get("today", {}).get("answered")]
    return floor if len(answered) == 2 else {}
