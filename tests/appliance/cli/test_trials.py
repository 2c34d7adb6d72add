"""`callfloor test sign|line|headset` on their simulators' own wires, a person at a terminal who answers, and beside a running service."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.cli import trial_words
from appliance.cli.main import main
from appliance.core.catalogue import LineCallerId, LineReleased, LineRinging, kind_of
from appliance.core.clock import SystemClock
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.sim.headset import SimHeadset
from appliance.sim.headset_line import HeadsetLine
from appliance.sim.headset_model import model_named
from appliance.sim.headset_script import Act
from appliance.sim.line_plan import Step
from appliance.sim.line_wire import on_pty as line_on_pty
from appliance.sim.sign import SimSign
from appliance.sim.sign_line import Wire, on_pty
from wallboard.led.trial import steps

MOBILE = "0995550147"


@contextmanager
def loop_in_a_thread() -> Iterator[asyncio.AbstractEventLoop]:
    """Simulators live in a loop of their own: the verb has this thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def within(so: Callable[[], object], limit_s: float = 20.0) -> None:
    end_s = time.monotonic() + limit_s
    while not so():
        assert time.monotonic() < end_s
        time.sleep(0.01)


# -- sign ----------------------------------------------------------------------


@contextmanager
def sign_on_a_wire(**how: Any) -> Iterator[tuple[SimSign, str]]:
    with loop_in_a_thread() as loop:
        sign = SimSign("00", **how)
        line = on_pty(Wire([sign], SystemClock()))
        path = asyncio.run_coroutine_threadsafe(line.__aenter__(), loop).result(10)
        try:
            yield sign, f"serial://{path}"
        finally:
            asyncio.run_coroutine_threadsafe(line.__aexit__(None, None, None), loop).result(10)


def site(folder: Path, text: str) -> Path:
    file = folder / "callfloor.toml"
    file.write_text(f'[journal]\npath = "{folder}/journal.db"\nrun_dir = "{folder}/run"\n{text}', encoding="utf-8")
    return file


def test_a_sign_shows_its_name_letters_and_colours_and_is_let_go(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with sign_on_a_wire() as (sign, url):
        file = site(tmp_path, f'[wallboard.sign.recepcion]\nurl = "{url}"\n')
        code = main(["test", "sign", "recepcion", "-c", str(file), "--seconds", "0.01", "--json", "--lang", "en"])
        within(lambda: sign.tones)
        within(lambda: not sign.picture(time.monotonic()).priority)
        texts = b"\n".join(sign.bodies)
    told = capsys.readouterr()
    out = json.loads(told.out)
    assert (code, out["ok"], out["device"]) == (0, True, "sign")
    steps = {each["step"]: each["seen"] for each in out["steps"]}
    assert steps == {"answers": True} | dict.fromkeys(("name", "letters", "red", "green", "amber", "flash", "tone"))
    assert b"recepcion" in texts
    assert sign.faults == []
    assert "it answers: firmware" in told.err


@pytest.mark.slow
def test_somebody_on_a_ladder_answers(tmp_path: Path) -> None:
    """A real terminal: a no is a failure, by name and by exit code. That the sign does not answer is none."""
    with sign_on_a_wire(answers=False) as (_, url):
        file = site(tmp_path, f'[wallboard.sign.a]\nurl = "{url}"\ncolours = false\n')
        master, slave = pty.openpty()
        words = [sys.executable, "-m", "appliance.cli.main", "test", "sign", "a", "-c", str(file), "--json", "--lang", "es"]
        with subprocess.Popen(words, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as verb:
            os.close(slave)
            assert verb.stderr is not None
            heard, told = b"", ""
            for answer in (b"\n", b"no\n", b"what\n", "sí\n".encode(), b"s\n"):
                while not heard.endswith(b"no lo veo] "):
                    heard += verb.stderr.read1(1)  # type: ignore[attr-defined]
                heard, told = b"", told + heard.decode()
                os.write(master, answer)
            said = verb.communicate(timeout=30)[0]
        os.close(master)
    out = json.loads(said)
    assert verb.returncode == 1
    seen = [each["seen"] for each in out["steps"]]
    assert seen == [None, True, False, True, None]
    assert "no responde" in told


def test_a_sign_that_the_boards_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = site(tmp_path, '[wallboard.sign.a]\nurl = "serial:///dev/null-no"\n')
    assert main(["test", "sign", "b", "-c", str(file)]) == 1
    assert "no [wallboard.sign.b]; there are a" in capsys.readouterr().err
    assert main(["test", "sign", "a", "-c", str(file)]) == 1
    assert "/dev/null-no" in capsys.readouterr().err


# -- line ----------------------------------------------------------------------

QUICK = "ring_ms = [500, 500]\ngrace_ms = 300\nhook_sense = true\n"


def test_a_line_that_is_called_from_a_mobile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with loop_in_a_thread() as loop:

        async def plugged() -> Any:
            return line_on_pty(0.0, 1)

        held = asyncio.run_coroutine_threadsafe(plugged(), loop).result(5)

        async def enter() -> Any:
            return held.__enter__()

        wire = asyncio.run_coroutine_threadsafe(enter(), loop).result(5)

        async def call() -> None:
            while not wire.is_asked:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            for step in (Step(0, "ring"), Step(0, "caller", MOBILE), Step(0, "ring"), Step(0, "off_hook")):
                wire.do(step)
                await asyncio.sleep(0.3)
            wire.do(Step(0, "on_hook"))

        caller = asyncio.run_coroutine_threadsafe(call(), loop)
        file = site(tmp_path, f'[lines.l1]\nurl = "{wire.url}"\n{QUICK}')
        code = main(["test", "line", "l1", "-c", str(file), "--seconds", "20", "--json", "--lang", "en"])
        caller.result(10)

        async def leave() -> None:
            held.__exit__(None, None, None)

        asyncio.run_coroutine_threadsafe(leave(), loop).result(5)
    told = capsys.readouterr()
    out = json.loads(told.out)
    assert code == 0, told.err
    assert {each["step"]: each["seen"] for each in out["steps"]} == {"ring": True, "caller_id": True, "answer": True, "end": True}
    assert "l1: caller ID of 10 digits, ending in 47" in told.err
    assert MOBILE not in told.err + told.out
    assert "l1: free again; the call was answered" in told.err


def test_a_line_that_nobody_calls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = site(tmp_path, f'[lines.l1]\nurl = "serial://{tmp_path}/none"\n{QUICK}')
    assert main(["test", "line", "l1", "-c", str(file), "--seconds", "0.3", "--lang", "pt"]) == 1
    out = capsys.readouterr().out
    assert "não está lá" in out
    assert "não está bem: ring" in out


def test_a_line_beside_the_running_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its lock is held as the runner holds it; what it hears stands in the journal."""
    file = site(tmp_path, f'[lines.l1]\nurl = "serial://{tmp_path}/none"\n{QUICK}')
    clock = SystemClock()
    journal = SqliteJournal.open(tmp_path / "journal.db", run_dir=tmp_path / "run")
    with held_by_a_service(tmp_path / "run" / "running" / "gateway.lock"):

        def tell() -> None:
            time.sleep(0.5)
            for data in (
                LineRinging(line="l1", pbx="lines"),
                LineRinging(line="other", pbx="lines"),
                LineCallerId(line="l1", pbx="lines", number=MOBILE),
                LineReleased(line="l1", pbx="lines", outcome="abandoned", rang_s=2.0),
            ):
                journal.append([Event(kind_of(data), "gateway/lines", clock.wall_ns(), clock.mono_ns(), clock.boot, "synced", data)])

        thread = threading.Thread(target=tell)
        thread.start()
        code = main(["test", "line", "l1", "-c", str(file), "--seconds", "20", "--json", "--lang", "en"])
        thread.join()
    journal.close()
    told = capsys.readouterr()
    out = json.loads(told.out)
    assert (code, out["by"]) == (1, "service"), "nobody took the call: that is the failed step"
    assert [(each["step"], each["seen"]) for each in out["steps"]] == [
        ("ring", True), ("caller_id", True), ("answer", False), ("end", True),
    ]  # fmt: skip
    assert "other" not in told.err


@contextmanager
def held_by_a_service(lock: Path) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    holder = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", holder, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield
        process.communicate()


# -- headset -------------------------------------------------------------------


ASKED = {
    "press the hook": "hook", "press it again": "hook", "press mute:": "mute", "press mute again": "mute", "pull its plug": "pull",
    "plug it in again": "plug",
}  # fmt: skip
COMMAND = [sys.executable, "-m", "appliance.cli.main"]


@contextmanager
def headset_on_a_socket(path: Path, model: str = "jabra") -> Iterator[tuple[SimHeadset, Callable[[str], None]]]:
    """A simulated headset, and what somebody at its desk does to it."""
    with loop_in_a_thread() as loop:

        def now(what: Coroutine[Any, Any, Any]) -> Any:
            return asyncio.run_coroutine_threadsafe(what, loop).result(10)

        headset = SimHeadset(model_named(model), serial="X1")

        async def made() -> HeadsetLine:
            return HeadsetLine(headset, path, SystemClock())

        line = now(made())
        now(line.plug())
        try:
            yield headset, lambda word: now(line.do(Act(word)))
        finally:
            if line.plugged:
                now(line.pull())


def tried(file: Path, do: Callable[[str], None], *words: str, leave_out: str = "") -> tuple[int, dict[str, Any], str]:
    """Run the verb, and do what it asks for."""
    errors = ""
    with subprocess.Popen(
        [*COMMAND, "test", "headset", "a", "-c", str(file), "--json", "--lang", "en", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as verb:  # fmt: skip
        assert verb.stderr is not None
        assert verb.stdout is not None
        for line in verb.stderr:
            errors += line
            for asked, word in ASKED.items():
                if line.startswith(asked) and word != leave_out:
                    do(word)
        out = json.loads(verb.stdout.read())
    return verb.returncode, out, errors


def test_a_headset_whose_buttons_are_pressed_as_asked(tmp_path: Path) -> None:
    file = site(tmp_path, f'[headsets.seat.a]\nurl = "sim:{tmp_path}/a.sock"\n')
    with headset_on_a_socket(tmp_path / "a.sock", "switch") as (_, do):
        code, out, said = tried(file, do, "--seconds", "2")
    assert code == 0, said
    assert out["by"] == "own"
    assert {each["step"]: each["seen"] for each in out["steps"]} == {
        "hook_off": True, "mute_on": True, "mute_off": True, "hook_on": None, "unplug": True, "plug": True, "ring": None,
    }, said  # fmt: skip
    assert "  heard: unplugged\n" in said


def test_a_hook_button_that_does_nothing_is_named(tmp_path: Path) -> None:
    """What only a headset tells that is answered is not held against it."""
    file = site(tmp_path, f'[headsets.seat.a]\nurl = "sim:{tmp_path}/a.sock"\n')
    with headset_on_a_socket(tmp_path / "a.sock") as (_, do):
        code, out, said = tried(file, do, "--no-plug", "--seconds", "0.3", leave_out="hook")
    assert code == 1
    assert out["steps"][0] == {"step": "hook_off", "seen": False}
    assert {each["seen"] for each in out["steps"][1:]} == {None}
    assert "not well: hook_off\n" in said


@pytest.mark.slow
def test_the_running_service_lights_the_ring_lamp(tmp_path: Path) -> None:
    file = site(tmp_path, f'[headsets.seat.a]\nurl = "sim:{tmp_path}/a.sock"\n')
    with headset_on_a_socket(tmp_path / "a.sock") as (headset, do):
        service = subprocess.Popen([*COMMAND, "run", "headsets", "-c", str(file)], stderr=subprocess.DEVNULL)
        try:
            within(lambda: headset.lamps and (tmp_path / "run/alive/headsets.lock").exists())
            watch = threading.Thread(target=lambda: within(lambda: headset.lamps.get("ring")))
            watch.start()
            code, out, said = tried(file, do, "--yes", "--seconds", "10")
            watch.join()
        finally:
            service.terminate()
            service.wait(20)
    assert code == 0, said
    assert out["by"] == "service"
    assert {each["seen"] for each in out["steps"]} == {True}, said
    assert out["steps"][-1] == {"step": "ring", "seen": True}


def test_a_headset_that_nobody_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "headset", "zz", "-c", str(site(tmp_path, "[headsets]\n"))]) == 1
    assert "no headset is called zz" in capsys.readouterr().err


def test_words_are_there_in_three_languages() -> None:
    for key, forms in trial_words._WORDS.items():
        gaps = [sorted(re.findall(r"\{(\w+)", form)) for form in forms]
        assert gaps[0] == gaps[1] == gaps[2], key
        assert all(forms), key
        # What is more than gaps and a word that both share is said differently.
        assert len(set(forms)) > 1 or len(re.sub(r"\{[^}]*\}", "", forms[0]).split()) < 3, key


def test_every_step_of_a_led_chain_is_said_in_spanish_and_portuguese() -> None:
    said = {step.words for step in steps(64, 8, 1.0, colours=True)}
    assert len(said) > 12
    for tongue in ("es", "pt"):
        assert not [text for text in said if trial_words.led_words(text, tongue) == text]
