"""Board files: what is sound makes a board, every fault names file, line, key and mend, and the other boards go on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.config import Config, GroupConfig
from appliance.core.config import Wallboard as Boards
from appliance.core.config_file import load
from wallboard.board_file import MAX_BYTES, MAX_FAULTS, MAX_NOTICES, MAX_PAGES, board_from_toml, read_board
from wallboard.board_set import MAX_FILES, BoardSet, targets
from wallboard.layout import page_names
from wallboard.sample import NOW_NS, sample

FILE = Path("/etc/callfloor/boards/planta.toml")
SOUND = """
title = "Planta 3"
distance_m = 6
diagonal_in = 55
pin = "ventas"

[[page]]
kind = "floor"
figures = ["longest_wait", "waiting"]

[[page]]
kind = "queue"
name = "ventas"
queue = "ventas"
window = "interval"
dwell_s = 20

[[notice]]
text = "Pausa activa"
days = ["mon", "fri"]
at = "10:00"
until = "10:05"
"""


def faults(text: str) -> list[str]:
    return [str(fault) for fault in board_from_toml(text, FILE)[1]]


def test_a_sound_file_is_a_board() -> None:
    spec, found = board_from_toml(SOUND, FILE)
    assert found == ()
    assert spec is not None
    assert (spec.title, spec.distance_m, spec.pin) == ("Planta 3", 6.0, "ventas")
    assert spec.page[0].figures == ("longest_wait", "waiting")
    assert page_names(spec) == ("floor", "ventas")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('[[page]]\nkind = "flor"\n', ':2: page[0].kind: "flor" is not allowed; did you mean "floor"? '),
        ('[[page]]\nkind = "floor"\nfigures = ["waiting", "serviselevel"]\n', ':3: page[0].figures[1]: there is no figure "serviselevel"; did you mean service_level?'),
        ('[[page]]\nkind = "queue"\n', ':1: page[0]: a page of kind "queue" must say which; write queue = "…"'),
        ('[[page]]\nkind = "agents"\nqueue = "ventas"\n', ':3: page[0].queue: a page of kind "agents" has no queue; take it out; it knows name, title, dwell_s, names, queues'),
        ('[[page]]\nkind = "floor"\ndwell = 5\n', ":3: page[0].dwell: unknown key; did you mean dwell_s?"),
        ('[[page]]\nkind = "floor"\ndwell_s = 0\n', ":3: page[0].dwell_s: 0 is not allowed; write a number from 2 to 3600"),
        ('pin = "b"\n[[page]]\nkind = "floor"\n', ':1: pin: no page is called "b"; write one of floor'),
        ('distance_m = "far"\n[[page]]\nkind = "floor"\n', ':1: distance_m: "far" is not allowed; write a number from 0.5 to 60'),
        ('[[page]]\nkind = "floor"\n[[notice]]\ntext = "x"\nat = "8:00"\n', ':5: notice[0].at: "8:00" is no time of day; write it as "08:00"'),
        ('[[page]]\nkind = "floor"\n[[notice]]\nat = "08:00"\n', ":3: notice[0]: the key text is missing"),
        ('[[page]]\nkind = "floor"\n[[notice]]\ntext = "x"\nfirst = "2026-12-02"\nlast = "2026-12-01"\n', ":6: notice[0].last: is before first; turn them round"),
        ('[page]\nkind = "floor"\n', ":1: page: {'kind': 'floor'} stands where a list of tables is wanted; write each as [[page]]"),
        ('[[page]]\nkind = "floor"\nname = "x y"\n', ':3: page[0].name: "x y" cannot be a name; write "x-y"'),
        ("", ": no page; write at least [[page]]"),
        ("[[page]\nkind = 3\n", ":1: not TOML: "),
    ],
)  # fmt: skip
def test_each_fault_names_its_line_key_and_mend(line: str, said: str) -> None:
    assert [text for text in faults(line) if text.startswith(f"{FILE}{said}")], faults(line)


def test_one_mistake_is_one_fault() -> None:
    assert len(faults('[[page]]\nkind = "flor"\n')) == 1
    assert len(faults('[[page]]\nkind = "queue"\n')) == 1
    assert len(faults("")) == 1


def test_what_is_sound_of_a_faulty_file_still_makes_a_board() -> None:
    text = SOUND + '[[page]]\nkind = "queue"\n[[page]]\nkind = "floor"\nfigures = ["nothing"]\n[[notice]]\ntext = "x"\nat = "99:00"\n'
    spec, found = board_from_toml(text, FILE)
    assert spec is not None
    assert [page.kind for page in spec.page] == ["floor", "queue"]
    assert len(spec.notice) == 1
    assert len(found) == 3
    assert board_from_toml('[[page]]\nkind = "queue"\n', FILE)[0] is None
    many, found = board_from_toml('[[page]]\nkind = "floor"\n' * (MAX_PAGES + 5), FILE)
    assert many is not None
    assert (len(many.page), len(found)) == (MAX_PAGES, 1)


def test_files_that_are_none(tmp_path: Path) -> None:
    for name, raw, said in [
        ("a.toml", b"\xff\xfe", "not UTF-8"), ("b.toml", b"#" * (MAX_BYTES + 1), "larger than 256 KiB"), ("Mi Tablero.toml", b"", "name the file mi-tablero.toml"),
        ("queue.ventas.toml", b'[[page]]\nkind = "floor"\n', "that the box makes itself"),
    ]:  # fmt: skip
        (tmp_path / name).write_bytes(raw)
        assert said in " ".join(map(str, read_board(tmp_path / name)[1]))
    assert "No such file" in str(read_board(tmp_path / "away.toml")[1][0])


@given(st.text(max_size=300) | st.lists(st.sampled_from(SOUND.split("\n")), max_size=20).map("\n".join))
def test_no_text_breaks_the_reader(text: str) -> None:
    spec, found = board_from_toml(text, FILE)
    assert spec is not None or found


def config(folder: Path) -> Config:
    return Config(wallboard=Boards(boards=folder), groups={"norte": GroupConfig(queues=("ventas",))})


def test_one_faulty_file_leaves_the_other_boards_alone_and_a_change_is_taken_up(tmp_path: Path) -> None:
    (tmp_path / "planta.toml").write_text(SOUND, encoding="utf-8")
    (tmp_path / "roto.toml").write_text("[[page]\n", encoding="utf-8")
    boards = BoardSet(config(tmp_path))
    assert boards.names() == ("floor", "planta")
    assert [Path(fault.file).name for fault in boards.faults] == ["roto.toml", "roto.toml"]
    assert boards.board("planta", sample(), NOW_NS).title == "Planta 3"
    assert boards.board("floor", sample(), NOW_NS).pages
    assert boards.spec("nobody") is None
    assert not boards.look(), "nothing changed"
    (tmp_path / "roto.toml").write_text('[[page]]\nkind = "group"\ngroup = "sur"\n', encoding="utf-8")
    os.utime(tmp_path / "roto.toml", ns=(1, 1))
    assert boards.look()
    assert boards.names() == ("floor", "planta", "roto")
    assert 'no group is called "sur"; write [groups.sur]; there is norte' in str(boards.faults[0])
    (tmp_path / "planta.toml").unlink()
    assert boards.look()
    assert boards.names() == ("floor", "roto")


def test_a_file_called_floor_is_the_floors_board(tmp_path: Path) -> None:
    (tmp_path / "floor.toml").write_text('[[page]]\nkind = "agents"\n', encoding="utf-8")
    boards = BoardSet(config(tmp_path))
    assert [page.kind for page in boards.board("floor", sample(), NOW_NS).pages] == ["agents"]


def test_a_folder_that_is_away_leaves_the_boards_that_every_box_has(tmp_path: Path) -> None:
    boards = BoardSet(config(tmp_path / "nowhere"))
    assert (boards.names(), boards.faults) == (("floor",), ())


def test_targets_are_those_of_the_scope(tmp_path: Path) -> None:
    path = tmp_path / "callfloor.toml"
    text = "[kpi]\nasa_max_s = 20\n[queues.ventas]\ntarget_s = 30\n[queues.soporte.alarm]\nwaiting = { red = 5 }\n[alarm.every]\nasa = { red = 25 }\n"
    path.write_text(text, encoding="utf-8")
    known = targets(load(path))
    assert known["asa"].red == 25
    assert "floor.asa" not in known
    assert known["queue.ventas.longest_wait"].red == 120
    assert known["queue.soporte.waiting"].red == 5
    assert "queue.ventas.waiting" not in known


def test_one_name_in_the_folder_that_is_no_board_takes_no_board_away(tmp_path: Path) -> None:
    (tmp_path / "planta.toml").write_text(SOUND, encoding="utf-8")
    (tmp_path / ".#planta.toml").symlink_to("root@box.1234:1")  # an editor's lock, while somebody mends the file
    (tmp_path / ".planta.toml").write_text("half writ", encoding="utf-8")
    boards = BoardSet(Config(wallboard=Boards(boards=tmp_path)))
    assert (boards.names(), boards.faults) == (("floor", "planta"), ())
    (tmp_path / "a-gone.toml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "a-folder.toml").mkdir()
    os.mkfifo(tmp_path / "a-pipe.toml")
    assert boards.look()
    assert boards.names() == ("floor", "planta")
    assert [Path(fault.file).stem for fault in boards.faults] == ["a-folder", "a-gone", "a-pipe"]
    assert not boards.look(), "nothing changed since"


def test_more_files_than_a_box_reads_are_said(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 2):
        (tmp_path / f"b{number:03}.toml").write_text('[[page]]\nkind = "floor"\n', encoding="utf-8")
    boards = BoardSet(Config(wallboard=Boards(boards=tmp_path)))
    assert len(boards.names()) == MAX_FILES + 1
    assert [Path(fault.file).stem for fault in boards.faults] == [f"b{MAX_FILES:03}"]


def test_a_file_with_thousands_of_faults_is_told_in_a_screenful() -> None:
    figures = ", ".join(f'"figure{number}"' for number in range(15_000))
    spec, found = board_from_toml('[[page]]\nkind = "floor"\n' * 500 + f"figures = [{figures}]\n", FILE)
    assert spec is not None
    assert len(spec.page) == MAX_PAGES
    assert [fault.key for fault in found] == [f"page[{MAX_PAGES}]"]
    found = board_from_toml(f'[[page]]\nkind = "floor"\nfigures = [{figures}]\n', FILE)[1]
    assert len(found) == MAX_FAULTS + 1
    assert "faults more" in str(found[-1])
    spec, found = board_from_toml('[[page]]\nkind = "floor"\n' + '[[notice]]\ntext = "a"\n' * (MAX_NOTICES + 1), FILE)
    assert spec is not None
    assert len(spec.notice) == MAX_NOTICES
    assert [fault.key for fault in found] == [f"notice[{MAX_NOTICES}]"]


def test_what_is_empty_or_no_table_says_how_it_is_written() -> None:
    assert "must say which" in faults('[[page]]\nkind = "queue"\nqueue = ""\n')[0]
    assert "notice[0].text: says nothing" in faults('[[page]]\nkind = "floor"\n[[notice]]\ntext = "  "\n')[0]
    assert faults('page = ["floor"]\n')[-1].endswith("write it as [[page]]")


@pytest.mark.parametrize("page", ['kind = "queue"\nqueue = "ventas"', 'kind = "group"\ngroup = "g"', 'kind = "queues"', 'kind = "totals"'])
def test_a_figure_of_the_whole_floor_does_not_pass_for_a_queue_s(page: str) -> None:
    spec, found = board_from_toml(f'[[page]]\n{page}\nfigures = ["waiting", "ab_allocation"]\n', FILE)
    assert spec is not None
    assert spec.page[0].figures == ("waiting",)
    assert [fault.key for fault in found] == ["page[0].figures[1]"]
    assert "figure of the whole floor" in found[0].fault
    assert board_from_toml(f'[[page]]\n{page}\nfigures = ["trunks"]\n', FILE)[0] is None, "it would show what nobody asked for"


def test_a_figure_of_the_whole_floor_stands_on_its_page_and_among_sites() -> None:
    for page in ('kind = "floor"', 'kind = "totals"\nsites = ["*"]'):
        assert faults(f'[[page]]\n{page}\nfigures = ["waiting", "trunks"]\n') == []
