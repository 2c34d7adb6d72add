"""The simulated sign holds to a real one's rules: memory, labels, sizes, silence, deaf windows; and `callfloor sim sign` shows it."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cli.main import main
from appliance.sim.sign import SimSign
from drivers import alpha_command as cmd
from drivers.alpha_frame import Frame, frame_of, records_from_bytes
from drivers.alpha_reply import answer_from_frame, general_info_from_answer, memory_from_answer
from drivers.alpha_text import TIME, call_string, segment

TABLE = cmd.Memory((cmd.text_file("A", 256), cmd.string_file("a", 16)))


class Bench:
    """A sign and the time."""

    def __init__(self, sign: SimSign | None = None) -> None:
        self.sign, self.now_s = sign or SimSign(), 100.0

    def send(self, *commands: cmd.Command, wait_s: float = 2.5, **how: str) -> bytes:
        out = self.sign.feed(frame_of(*(command.body for command in commands), **how).raw, self.now_s)  # type: ignore[arg-type]
        self.now_s += wait_s
        return out

    def texts(self) -> list[str]:
        return [line.text for line in self.sign.picture(self.now_s).lines]


def text(label: str, data: bytes) -> cmd.WriteText:
    return cmd.WriteText(label, (segment(data),))


def test_strings_stand_in_the_text_and_the_clock_runs() -> None:
    bench = Bench()
    bench.send(TABLE)
    bench.send(text("A", b"Cola " + call_string("a") + b" " + TIME), cmd.WriteString("a", b"7"), cmd.set_time("2359"))
    assert bench.texts() == ["Cola 7 23:59"]
    bench.now_s += 61
    bench.send(cmd.WriteString("a", b"8"))
    assert bench.texts() == ["Cola 8 00:00"]
    bench.send(TABLE)
    assert bench.texts() == []  # a table erases every file
    assert bench.sign.faults == []


def test_the_priority_file_hides_all_until_its_bare_release() -> None:
    bench = Bench()
    bench.send(text("A", b"cifras"))
    bench.send(text("0", b"alarma"))
    assert bench.texts() == ["alarma"]
    bench.send(cmd.WriteText("0", (segment(b""),)))
    assert bench.texts() == [""]  # blanked, not released
    bench.send(cmd.WriteText("0"))
    assert bench.texts() == ["cifras"]
    bench.send(text("0", b"x" * 126))
    assert "priority file" in bench.sign.faults[-1]


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (cmd.Memory((cmd.text_file("A", 40_000),)), "of a pool of"),
        (cmd.Memory((cmd.string_file("0", 16),)), "STRING called 0"),
        (cmd.Memory((cmd.string_file("?", 16),)), "STRING called ?"),
        (cmd.Memory((cmd.text_file("0", 16),)), "priority file"),
        (cmd.Memory((cmd.string_file("a", 126),)), "at most 125"),
        (cmd.Memory((cmd.File("a", "string", locked=False, size=16, extra="0000"),)), "not locked"),
        (cmd.Memory((cmd.text_file("A", 9), cmd.text_file("A", 9))), "label twice"),
        (cmd.WriteString("z", b"1"), "no STRING file z"),
        (text("Z", b"1"), "no TEXT file Z"),
        (text("A", b"x" * 30_000), "of 27981"),
        (cmd.set_time("2460"), "a time"),
        (cmd.Other(b"?"), "a command"),
    ],
)
def test_what_a_sign_drops_is_told(command: cmd.Command, word: str) -> None:
    bench = Bench()
    bench.send(command)
    assert word in bench.sign.faults[-1]


def test_too_much_for_a_string_empties_it() -> None:
    bench = Bench()
    bench.send(TABLE)
    bench.send(cmd.WriteString("a", b"x" * 16))
    bench.send(cmd.WriteString("a", b"x" * 17))
    assert bench.sign.picture(bench.now_s).strings == {"a": ""}


def test_deaf_windows() -> None:
    bench = Bench()
    for command, deaf_s in ((TABLE, 2.0), (cmd.Tone("1"), 3.0), (cmd.soft_reset(), 10.0)):
        bench.send(command, wait_s=deaf_s - 0.1)
        lost = bench.sign.deaf
        bench.send(text("A", b"perdido"), wait_s=0.1)
        assert bench.sign.deaf > lost
        bench.send(text("A", b"oido"))
        assert bench.texts() == ["oido"]


def test_addresses_types_and_checksums() -> None:
    bench = Bench(SimSign("2A"))
    for address, kind, heard in (("2A", "Z", 1), ("2?", "!", 1), ("?A", "^", 1), ("00", "Z", 1), ("2B", "Z", 0), ("2A", "C", 0)):
        frames = bench.sign.frames
        bench.send(text("A", b"x"), address=address, kind=kind)
        assert bench.sign.frames - frames == heard, (address, kind)
    raw = frame_of(b"AAmal", checksum=True).raw
    bench.sign.feed(raw.replace(b"mal", b"bien"), bench.now_s)
    assert bench.sign.faults == ["a bad checksum"]
    bench.sign.feed(frame_of(b"AAx").raw[2:], bench.now_s)
    assert bench.sign.faults[-1] == "a frame after 3 NULs"
    nested = frame_of(b"AAx", b"AAy").raw.replace(b"\x03", b"", 1)
    bench.sign.feed(nested, bench.now_s)
    assert bench.sign.faults[-1] == "a nested packet without ETX"


def test_a_pause_of_a_second_drops_the_frame() -> None:
    bench = Bench()
    raw = frame_of(b"AAx").raw
    bench.sign.feed(raw[:9], bench.now_s)
    bench.sign.feed(raw[9:], bench.now_s + 1.1)
    assert "pause" in bench.sign.faults[-1]
    assert bench.texts() == []


def answered(data: bytes) -> cmd.Command:
    (frame,) = records_from_bytes(data)
    assert isinstance(frame, Frame)
    answer = answer_from_frame(frame)
    assert answer is not None
    return answer


def test_answers() -> None:
    bench = Bench()
    bench.send(TABLE)
    assert memory_from_answer(answered(bench.send(cmd.ReadSpecial("$")))) == TABLE
    bench.send(text("A", b"x"), cmd.WriteString("a", b"7"), cmd.set_time("1437"))
    playing = memory_from_answer(answered(bench.send(cmd.ReadSpecial("$"))))
    assert playing is not None
    assert playing.files[0].size > 20_000  # it has got the rest of the pool
    assert answered(bench.send(cmd.Read("H", "a"))) == cmd.WriteString("a", b"7")
    info = general_info_from_answer(answered(bench.send(cmd.ReadSpecial('"'))))
    assert (info.clock, info.pool_bytes) == ("1437", 28_000)
    assert Bench(SimSign(answers=False)).send(cmd.ReadSpecial("$")) == b""
    assert bench.send(cmd.WriteString("a", b"8")) == b""
    bench.send(cmd.ack_mode(on=True))
    assert bench.send(cmd.WriteString("a", b"8")) == b"\x06@"
    assert bench.send(cmd.WriteString("z", b"8")) == b"\x15`"


@given(st.lists(st.tuples(st.binary(max_size=80), st.floats(0, 3)), max_size=8))
def test_no_bytes_bring_it_down(pieces: list[tuple[bytes, float]]) -> None:
    sign, now_s = SimSign(), 0.0
    for data, wait_s in pieces:
        now_s += wait_s
        sign.feed(data, now_s)
        sign.feed(bytes(5) + b"\x01Z00\x02" + data + b"\x04", now_s)
    sign.picture(now_s)


@pytest.mark.parametrize("tcp", [False, True])
async def test_the_verb_shows_what_a_person_would_read(tcp: bool) -> None:
    where = ["--tcp", "127.0.0.1:0"] if tcp else []
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "appliance.cli.main", "sim", "sign", "--json", *where,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(20):
            place = (await process.stderr.readline()).decode().split('"')[1]
            raw = frame_of(text("A", b"Ma\x08Dana").body).raw
            if tcp:
                host, _, port = place.removeprefix("tcp://").rpartition(":")
                _, writer = await asyncio.open_connection(host, int(port))
                writer.write(raw)
                await writer.drain()
            else:
                descriptor = os.open(place.removeprefix("serial://"), os.O_WRONLY | os.O_NOCTTY)
                os.write(descriptor, raw)
            shown = json.loads(await process.stdout.readline())
            if tcp:
                writer.close()
                await writer.wait_closed()
            else:
                os.close(descriptor)
        assert shown["lines"] == [{"text": "Mañana", "mode": "hold"}]
        assert shown["address"] == "01"
    finally:
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize("wrong", [["--address", "0"], ["--address", "00"], ["--address", "01,GG"], ["--tcp", "127.0.0.1:x"]])
def test_what_the_verb_refuses(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "sign", *wrong, "--for", "1"]) == 2
    assert "write" in capsys.readouterr().err
