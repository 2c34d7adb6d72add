"""The files that carry other sites' floors from the uplink to the boards: whole or not at all, read again only when they changed."""

from __future__ import annotations

from pathlib import Path

import msgspec

from appliance.core.site_file import SiteFile, SiteFiles

FILE = SiteFile(
    site="sur", box="piso-1", boot="b", state="online", epoch="e", seq=1, time="2026-11-21T14:03:22.000Z", live_s=20.0,
    floor_ns=1, heard_ns=None, open=True, floor=msgspec.Raw(b'{"waiting":3}'),
)  # fmt: skip


def same(one: SiteFile | None, other: SiteFile) -> bool:
    return one is not None and msgspec.json.encode(one) == msgspec.json.encode(other)


def test_what_was_written_is_read_by_another(tmp_path: Path) -> None:
    SiteFiles(tmp_path).write("sur", FILE)
    assert same(SiteFiles(tmp_path).read("sur"), FILE)
    assert [path.name for path in (tmp_path / "sites").iterdir()] == ["sur.json"]


def test_one_that_did_not_change_is_the_same_object_and_a_new_one_is_seen(tmp_path: Path) -> None:
    files, writer = SiteFiles(tmp_path), SiteFiles(tmp_path)
    assert files.read("sur") is None
    writer.write("sur", FILE)
    first = files.read("sur")
    assert files.read("sur") is first
    for seq in range(2, 10):  # faster than the clock of the file system
        newer = msgspec.structs.replace(FILE, seq=seq)
        writer.write("sur", newer)
        assert same(files.read("sur"), newer)
    writer.forget("sur")
    assert files.read("sur") is None
    writer.forget("sur")


def test_a_damaged_file_is_nothing_until_it_is_written_anew(tmp_path: Path) -> None:
    files = SiteFiles(tmp_path)
    files.write("sur", FILE)
    for rubbish in (b"", b"\xff", b'{"site": 1}', msgspec.json.encode(FILE)[:40]):
        (tmp_path / "sites" / "sur.json").write_bytes(rubbish)
        assert SiteFiles(tmp_path).read("sur") is None
    files.write("sur", FILE)
    assert same(files.read("sur"), FILE)


def test_files_of_sites_that_nobody_names_go(tmp_path: Path) -> None:
    files = SiteFiles(tmp_path)
    files.keep_only(frozenset())
    for key in ("sur", "norte", ".."):
        files.write(key, FILE)
    (tmp_path / "sites" / "sur.part").write_bytes(b"half")
    files.keep_only(frozenset({"sur"}))
    assert [path.name for path in (tmp_path / "sites").iterdir()] == ["sur.json"]
