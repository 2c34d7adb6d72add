"""`callfloor board` and `callfloor check` over board files: previews without hardware, faults by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from appliance.cli.main import main

PLANTA = """
title = "Planta 3"
[[page]]
kind = "floor"
figures = ["longest_wait", "waiting", "serviselevel"]
[[page]]
kind = "queues"
"""


@pytest.fixture
def box(tmp_path: Path) -> Path:
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "planta.toml").write_text(PLANTA, encoding="utf-8")
    (tmp_path / "callfloor.toml").write_text(
        '[wallboard.tv]\nlisten = "127.0.0.1:8080"\n[wallboard.led.puerta]\nboard = "plamta"\n', encoding="utf-8"
    )
    return tmp_path


def test_check_tells_the_faults_of_board_files_too(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-c", str(box / "callfloor.toml")]) == 1
    said = capsys.readouterr().out
    assert f'{box}/boards/planta.toml:5: page[0].figures[2]: there is no figure "serviselevel"' in said
    assert "did you mean service_level?" in said
    assert f'{box}/callfloor.toml: wallboard.led.puerta.board: no board is called "plamta"' in said


def test_check_tells_a_sign_that_its_driver_would_not_open(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (box / "signs.toml").write_text('[wallboard.sign.s]\nurl = "serial:///dev/ttyUSB0?format=9X9"\n', encoding="utf-8")
    assert main(["check", "-c", str(box / "signs.toml")]) == 1
    said = capsys.readouterr().out
    assert "signs.toml:2: wallboard.sign.s.url: " in said
    assert "format=9X9" in said
    assert "it may be 7E1, 8N1, 7E2, 7O1" in said


def test_list_names_every_board_and_fault(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", "list", "--json", "-c", str(box / "callfloor.toml")]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["boards"] == {"floor": None, "planta": "Planta 3"}
    assert len(said["faults"]) == 2
    assert main(["board", "list", "-c", str(box / "callfloor.toml")]) == 1
    assert 'floor   pages floor, queues, classes, outbound, trunks, records\nplanta  "Planta 3", pages ' in capsys.readouterr().out


def test_previews_of_a_file(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = box / "boards" / "planta.toml"
    file.write_text(PLANTA.replace(', "serviselevel"', ""), encoding="utf-8")
    assert main(["board", "preview", str(file), "-c", str(box / "none.toml")]) == 0
    said = capsys.readouterr().out
    assert "Planta 3" in said
    assert "Espera más larga                  0:41" in said
    assert main(["board", "preview", str(file), "--medium", "led", "--face", "link_down", "-c", str(box / "none.toml")]) == 0
    assert "█" in capsys.readouterr().out
    picture = box / "led.png"
    assert main(["board", "preview", str(file), "--medium", "led", "--size", "32x8", "-o", str(picture), "-c", str(box / "none.toml")]) == 0
    with Image.open(picture) as image:
        assert image.size[0] == 32 * 8
        lit = [pixel for _, pixel in image.convert("RGB").getcolors(1 << 20) or () if isinstance(pixel, tuple) and pixel[0] > 200]
        assert lit, "the LEDs that are lit shine in the picture"
    assert main(["board", "preview", str(file), "--medium", "sign", "-c", str(box / "none.toml")]) == 0
    assert "0:41" in capsys.readouterr().out


def test_a_preview_of_a_narrow_chain_shows_the_figures_after_their_labels(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = box / "boards" / "planta.toml"
    file.write_text('[[page]]\nkind = "queue"\nqueue = "ventas"\nfigures = ["service_level"]\n', encoding="utf-8")
    assert main(["board", "preview", str(file), "--medium", "led", "--size", "16x8", "-c", str(box / "none.toml")]) == 0
    said = capsys.readouterr().out.splitlines()
    at = [number for number, line in enumerate(said) if line.startswith("queue.ventas.service_level")]
    assert len(at) == 2, "the label, then the digits"
    assert said[at[0] + 1 : at[1]] != said[at[1] + 1 : at[1] + 5]


def test_one_page_alone_on_every_medium(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for medium, gone in (("text", "Atendidas"), ("sign", "Atendidas"), ("led", "floor.waiting")):
        words = ["board", "preview", str(box / "boards" / "planta.toml"), "--medium", medium, "-c", str(box / "none.toml")]
        (box / "boards" / "planta.toml").write_text('[[page]]\nkind = "floor"\n[[page]]\nkind = "queues"\n', encoding="utf-8")
        assert main(words) == 0
        assert gone in capsys.readouterr().out
        assert main([*words, "--page", "queues"]) == 0
        assert gone not in capsys.readouterr().out


def test_a_browser_that_ends_at_once_is_said(box: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (box / "chromium").write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    (box / "chromium").chmod(0o755)
    monkeypatch.setenv("PATH", str(box), prepend=":")
    words = [
        "board",
        "preview",
        str(box / "boards" / "planta.toml"),
        "--medium",
        "tv",
        "-o",
        str(box / "x.png"),
        "-c",
        str(box / "none.toml"),
    ]
    assert main(words) == 1
    assert "it ended by itself, with 3" in capsys.readouterr().err


def test_no_preview_commands_the_terminal(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = box / "boards" / "planta.toml"
    file.write_text('title = "\\u001b[2J"\n[[page]]\nkind = "floor"\n[[notice]]\ntext = "\\u001b[2J"\n', encoding="utf-8")
    for medium in ("text", "sign", "led"):
        assert main(["board", "preview", str(file), "--medium", medium, "-c", str(box / "none.toml")]) == 0
        assert "\x1b" not in capsys.readouterr().out


def test_what_cannot_be_previewed_says_why(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(box / "boards" / "planta.toml")
    for words, said in [
        (["nobody.toml"], "there is no such board file"), ([file, "--size", "big"], "write it as 1920x1080"), ([file, "-o", "x.png"], "has no picture"),
        ([file, "--medium", "led", "--size", "60x8"], "a multiple of 8 up to 256"), ([file, "--medium", "led", "-o", "/nowhere/x.png"], "/nowhere/x.png"),
        ([file, "--page", "colas"], 'no page "colas"; there are floor, queues, link'),
        (["nobody", "-c", str(box / "callfloor.toml")], 'no board is called "nobody"'),
    ]:  # fmt: skip
        assert main(["board", "preview", *words]) == 1
        assert said in capsys.readouterr().err


def test_a_preview_has_the_headsets_page_where_they_may_be_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "desk.toml").write_text('[[page]]\nkind = "floor"\n[[page]]\nkind = "headsets"\n', encoding="utf-8")
    config = tmp_path / "callfloor.toml"
    for text, shown in (("[privacy]\nheadsets = true\n", True), ("", False)):
        config.write_text(f'{text}[wallboard.tv]\nlisten = "127.0.0.1:8080"\n', encoding="utf-8")
        assert main(["board", "preview", "desk", "--medium", "text", "--language", "en", "-c", str(config)]) == 0
        said = capsys.readouterr().out
        assert ("a-103" in said) is shown
        assert ("Headsets" in said) is shown
