"""[headsets]: what may not stand there, each fault with its line, key and mend; and how the url of a headset is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.config_file import ConfigFaultsError, config_from_toml
from appliance.core.headset_url import HeadsetUrl, headset_url

HEAD = '[site]\nname = "quito"\nbox = "piso-3"\n'
BROKER = '[crm]\nurl = "mqtt://127.0.0.1:1883"\n'
SEAT_BOX = '[site]\nrole = "seat"\nbox = "a"\n'


def faults(text: str, folder: Path) -> list[str]:
    with pytest.raises(ConfigFaultsError) as caught:
        config_from_toml(text, folder / "callfloor.toml", {})
    return [str(fault).removeprefix(str(folder / "callfloor.toml")) for fault in caught.value.faults]


def seat(name: str, url: str, *more: str) -> str:
    return "\n".join((f"[headsets.seat.{name}]", f"url = {url!r}", *more, ""))


def test_seats_as_they_are_usually_written(tmp_path: Path) -> None:
    (tmp_path / "pbx.secret").write_text("x", encoding="utf-8")
    text = (
        HEAD + BROKER + '[pbx.central]\nsecret_file = "pbx.secret"\n[headsets]\nanswer = true\nboxes = ["*"]\n'
        + seat("a12", "usb:1-1.2", 'interface = "PJSIP/101"')
        + seat("a13", "usb:0B0E:0307:A1", 'agent = "agente-101"', "hang_up = true")
        + seat("a14", "usb:0b0e:0307", 'hold = "watch"', 'interface = "hint:103@ext-local"')
        + seat("a15", "sim:/run/headset.sock")
        + seat('"usb-1-1.4"', "usb:1-1.4")
    )  # fmt: skip
    config = config_from_toml(text, tmp_path / "callfloor.toml", {})
    assert config.headsets is not None
    assert list(config.headsets.seat) == ["a12", "a13", "a14", "a15", "usb-1-1.4"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (seat("a1", "/dev/hidraw0"), [':2: headsets.seat.a1.url: "/dev/hidraw0" is no headset; write what `callfloor devices` prints']),
        (seat("a1", "usb:1209:1"), ['write vendor and product as four hex digits each: "usb:1209:0001"']),
        (seat("a1", "usb:1-1.0"), ["is no headset"]),
        (seat("a1", "sim:"), ["is no headset"]),
        (seat("a1", "sim:one.sock"), [':2: headsets.seat.a1.url: "sim:one.sock" is no absolute path; write where the socket is from / on: "sim:/run/one.sock"']),
        ("[headsets.seat.a1]\nagent = 'a'\n", [":1: headsets.seat.a1: the key url is missing"]),
        (seat('"Puesto 1"', "usb:1-1"), ["write [headsets.seat.puesto-1]"]),
        (seat("usb-1-2", "usb:1-1"), [':1: headsets.seat.usb-1-2: "usb-1-2" is what a headset at port 1-2 is called']),
        (seat("a", "usb:0B0E:0307") + seat("b", "usb:0b0e:0307"), [':4: headsets.seat.b.url: "usb:0b0e:0307" is at seat a already']),
        (seat("a", "usb:1-1", "agent = 'x'") + seat("b", "usb:1-2", "agent = 'x'"), ['headsets.seat.b.agent: "x" is at seat a']),
        (seat("a", "usb:1-1", "agent = 'x'", "interface = 'SIP/1'") + seat("b", "usb:1-2", "agent = 'y'", "interface = 'SIP/1'"), ["headsets.seat.b.interface"]),
        (seat("a", "usb:1-1", "interface = 'SIP/1'"), [':3: headsets.seat.a.interface: nobody will ever sit here: this box hears no PBX that logs anybody in at a phone; write agent = "…"']),
        (SEAT_BOX + BROKER + seat("a", "usb:1-1", "interface = 'SIP/1'"), ["headsets.seat.a.interface: nobody will ever sit here"]),
        (seat("a", "usb:1-1", "agent = 'Agente 101'"), [':3: headsets.seat.a.agent: "Agente 101" is no agent\'s key; write agent = "agente-101"; `callfloor status --json | jq .agents` lists them']),
        (seat("a", "usb:1-1", "interface = '101'"), ['headsets.seat.a.interface: "101" is no phone']),
        ("[headsets]\nhold = 'watch'\nanswer = true\n", [":3: headsets.answer: a watched headset never answers a call"]),
        (seat("a", "usb:1-1", "hold = 'watch'", "hang_up = true"), [":4: headsets.seat.a.hang_up: a watched headset never ends a call"]),
        ("[headsets]\nhang_up = true\n", [":2: headsets.hang_up: nothing ends a call: this box reaches no PBX"]),
        ("[headsets]\nboxes = 'puestos-1'\n", [':2: headsets.boxes: "puestos-1" is not allowed; write ["puestos-1"]']),
        ("[headsets]\nboxes = 3\n", [":2: headsets.boxes: 3 is not allowed; write a list of texts in quotes with at most 64 entries"]),
        ("[headsets]\nboxes = ['b']\n", [":2: headsets.boxes: seat boxes are read from the broker, and none is configured"]),
        (HEAD + BROKER + "[headsets]\nboxes = ['piso-3', 'B 1', '*', 'c', 'c']\n",
            ["boxes[0]: this is this very box", 'boxes[1]: "B 1" is no name of a box; write "b-1"', 'boxes[2]: "*" stands for all', 'boxes[4]: "c" stands here twice']),
        (SEAT_BOX + BROKER + "[headsets]\nboxes = ['b']\n", ["headsets.boxes: a seat box shows no other's headsets"]),
        (SEAT_BOX + "[headsets]\n", [":2: site.role: a seat box tells its headsets through the broker, and none is configured"]),
        (SEAT_BOX + BROKER + "events = ['call']\n[headsets]\n", [":6: crm.events: a seat box's headsets are left out"]),
        ("[journal]\nkeep_days = 3\n[headsets]\nkeep_days = 30\n", [":4: headsets.keep_days: 30 days of hook and mute, and the journal itself keeps 3; write keep_days = 3"]),
        ("".join(seat(f"s{n}", f"usb:1-{n}") for n in range(1, 502)), ["headsets.seat: {'s1'"]),
        ("[headsets]\nfindings = ['napping']\n", [":2: headsets.findings"]),
        ("[headsets]\nhold = 'borrow'\n", [":2: headsets.hold"]),
        ("[headsets.hold_s]\ncall_on_hook = -1\n", [":2: headsets.hold_s.call_on_hook"]),
    ],
)  # fmt: skip
def test_each_fault_is_named(text: str, said: list[str], tmp_path: Path) -> None:
    found = faults(text, tmp_path)
    assert len(found) == len(said), found
    for part in said:
        assert any(part in fault for fault in found), found


def test_with_several_pbxs_an_agent_says_of_which(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("x", encoding="utf-8")
    two = "".join(f'[pbx.{name}]\nsecret_file = "s"\n' for name in ("norte", "sur"))
    assert ['write agent = "norte.ana"' in fault for fault in faults(two + seat("a", "usb:1-1", "agent = 'ana'"), tmp_path)] == [True]
    config_from_toml(two + seat("a", "usb:1-1", "agent = 'sur.ana'"), tmp_path / "callfloor.toml", {})


def test_a_journal_kept_for_a_day_needs_no_word_on_headsets(tmp_path: Path) -> None:
    config_from_toml("[journal]\nkeep_days = 1\n[headsets]\n", tmp_path / "callfloor.toml", {})


def test_the_closest_url_has_the_headset() -> None:
    urls = [headset_url(each) for each in ("usb:0b0e:0307", "usb:1-1.2", "usb:0b0e:0307@1-1.2", "usb:0b0e:0307:A1")]
    assert all(url.fits("1-1.2", "0b0e:0307", "A1") for url in urls)
    assert [url.rank for url in urls] == [1, 2, 2, 3]
    assert not any(url.fits("1-1.3", "0b0e:0308", "A1") for url in urls)
    assert not headset_url("sim:/a").fits("1-1", "0b0e:0307", None)


@given(
    st.one_of(
        st.builds(HeadsetUrl, port=st.sampled_from(("1-1", "2-1.4.2")), model=st.sampled_from((None, "0b0e:0307"))),
        st.builds(
            HeadsetUrl, model=st.just("047f:c056"), serial=st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=64)
        ),
        st.builds(HeadsetUrl, sim=st.text("abc/ .", min_size=1)),
    )
)
def test_a_url_reads_back(url: HeadsetUrl) -> None:
    assert headset_url(str(url)) == url


@given(st.text() | st.from_regex(r"(usb|sim):.*"))
def test_any_text_is_a_url_or_a_mend(text: str) -> None:
    try:
        assert str(headset_url(text)).startswith(("usb:", "sim:"))
    except ValueError as fault:
        mend = str(fault)
    else:
        mend = ""
    assert not mend or '"usb:' in mend
