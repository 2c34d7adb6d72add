"""A whole printout by one profile: headings, rulers, pages, wrapped and continued records, damage, chains."""

from __future__ import annotations

import random
from datetime import datetime

from gateway.smdr.decode import lines_from_bytes
from gateway.smdr.line import Splitter
from gateway.smdr.moment import Dates
from gateway.smdr.reader import Reader
from gateway.smdr.record import CallRecord
from gateway.smdr.shelf import ORDER, profile, profiles
from gateway.smdr.vote import read, winner

NOW = datetime(2026, 11, 22, 3, 0)  # noqa: DTZ001 - printed times have no zone
HEADING = "  Date     Time    Ext CO        Dial Number        Ring Duration  Acc code  CD \r\n" + "-" * 80 + "\r\n"


def panasonic(count: int) -> str:
    return "".join(
        f"11/21/26 {8 + n // 60:02d}:{n % 60:02d}AM {100 + n:5d} {1 + n % 8:02d} {'<I>' if n % 2 else ''}099{n:07d}".ljust(52)
        + f"{n % 60 // 10}'{n % 10}0 00:{n % 60:02d}'{n % 60:02d}\r\n"
        for n in range(count)
    )


def test_a_printout_of_many_pages() -> None:
    rows = panasonic(180).splitlines(keepends=True)
    pages = ["".join(rows[at : at + 60]) for at in range(0, 180, 60)]
    result = winner(profiles(), lines_from_bytes(("\f\r\n" + HEADING).join(["", *pages]).encode()), NOW)
    assert result is not None
    counts = result.reader.counts
    assert (result.profile.name, len(result.records), counts.headers, counts.unknown) == ("panasonic", 180, 6, 0)
    assert {record.direction for record in result.records} == {"in", "out"}


def test_lines_wrapped_by_a_narrow_printer() -> None:
    text = panasonic(6)
    for width in (24, 40, 60):
        narrow = "\r\n".join(line[at : at + width] for line in text.splitlines() for at in range(0, len(line), width))
        result = read(profile("panasonic"), lines_from_bytes(narrow.encode()), NOW)
        assert [record.number for record in result.records] == [f"099{n:07d}" for n in range(6)], width
        assert (result.reader.counts.wrapped, result.reader.counts.unknown) == (6, 0)


def test_a_page_number_in_the_midst_and_a_stranger() -> None:
    lines = [*panasonic(1).splitlines(), "PAGE 2", "the paper is low", "X" * 300, *panasonic(2).splitlines()]
    result = read(profile("panasonic"), lines, NOW)
    assert (len(result.records), result.reader.counts.unknown, result.reader.counts.headers) == (3, 2, 1)
    assert result.reader.strange[0] == "the paper is low"


def test_noise_at_one_byte_in_a_hundred() -> None:
    """Bounded, counted, and nearly all that is whole is read."""
    dice = random.Random(7)
    clean = panasonic(600).encode()
    wire = bytes(dice.randrange(256) if dice.random() < 0.01 else byte for byte in clean)
    lines = lines_from_bytes(wire)
    whole = set(clean.decode().splitlines())
    result = read(profile("panasonic"), lines, NOW)
    found = {record.raw for record in result.records}
    assert {line for line in lines if line in whole} <= found
    assert result.reader.counts.unknown > 0
    assert len(result.records) + result.reader.counts.unknown <= len(lines)


def test_a_norstar_report_is_one_record() -> None:
    text = """-------- 11/21/26 11:39:43 LINE = 0003 STN = 7425
CALLING NUMBER 0991234567
NAME ANA LOPEZ
UNKNOWN
BC = SPEECH
00:00:00 INCOMING CALL RINGING 0:32
00:00:37 ACCOUNT CODE 87
00:00:39 HOLD
00:01:12 UNHOLD
00:12:59 CALL RELEASED


-------- 11/21/26 11:59:43 LINE = 0003
00:00:00 NO ANSWER RINGING 0:22
00:00:00 CALL RELEASED

-------- 11/21/26 12:00:43 LINE = 0003 STN = 7425
00:00:00 OUTGOING CALL
DIGITS DIALED 5551212
00:00:37 TRANSFERRED
"""
    result = winner(profiles(), text.splitlines(), NOW)
    assert result is not None
    told = [
        (each.direction, each.number, each.name or None, each.ring_s, each.duration_s, each.answered, each.abandoned, each.transferred)
        for each in result.records
    ]
    assert told == [
        ("in", "0991234567", "ANA LOPEZ", 32, 779, True, False, False),
        ("in", None, None, 22, 0, False, True, False),
        ("out", "5551212", None, None, None, None, None, True),
    ]
    assert result.records[0].account == "87"


def test_a_name_on_the_line_below() -> None:
    lines = ["PIN 10:52 11/21 001 00:00:20 2017 0991234567", "NEXT ACME DEL ECUADOR SA", "PIN 10:53 11/21 002 0991234567 NO ANSWER"]
    first, second = read(profile("nec"), lines, NOW).records
    assert (first.name, first.duration_s, second.abandoned) == ("ACME DEL ECUADOR SA", 20, True)


def test_a_record_that_may_go_on_waits_for_the_next_line_or_for_silence() -> None:
    reader = Reader(profile("nec"), Dates())
    line = "PIN 10:52 11/21 001 00:00:20 2017 0991234567"
    assert reader.feed(line, NOW) == []
    assert len(reader.feed(line, NOW)) == 1
    assert len(reader.idle()) == 1
    assert reader.idle() == []


def test_the_second_line_of_the_new_nortel_format() -> None:
    lines = [
        "N 001 00 T010 016 6101 11/21 07:47:12 00:00:20.0",
        "& 0991234567xxxxxx    000 000",
        "N 002 00 6101 T010 016 11/21 07:48 00:00:20 5551234",
    ]
    first, second = read(profile("nortel"), lines, NOW).records
    assert (first.number, second.number) == ("0991234567xxxxxx", "5551234")


def test_every_day_line_and_midnight_of_a_strata() -> None:
    lines = ["11/21/26", "01   15 23:58 00:00;22", "01   15 00:02 00:00;22", "<11/22/26>", "01   15 08:02 00:00;22"]
    ends = [record.as_json()["end"] for record in read(profile("toshiba-dk"), lines, NOW).records]
    assert ends == ["2026-11-21T23:58:00", "2026-11-22T00:02:00", "2026-11-22T08:02:00"]


def test_a_date_late_in_the_file_tells_the_order_of_the_first() -> None:
    lines = ["03/04/26 10:03AM 1200 01 5551234 00:01'05", "21/04/26 10:03AM 1200 01 5551234 00:01'05"]
    assert [record.as_json()["end"][:10] for record in read(profile("panasonic"), lines, NOW).records] == ["2026-04-03", "2026-04-21"]


def test_no_profile_takes_another_makers_page_for_its_own() -> None:
    """Each make's own headings are records of none."""
    for name in ORDER:
        for text in (
            "EXT AUTH TRK MM/DD STT.TIME DURATION FG DIALED DIGIT",
            "CLASS TIME DATE LINE DURATION STATION",
            "NO STA CO TIME START DIALED",
        ):
            assert read(profile(name), [text], NOW).records == [], (name, text)


def test_split_anywhere_gives_the_same_records() -> None:
    data = (HEADING + panasonic(3)).encode()

    def records(pieces: list[bytes]) -> list[CallRecord]:
        splitter, reader = Splitter(), Reader(profile("panasonic"), Dates())
        out = [record for piece in pieces for line in splitter.feed(piece) for record in reader.feed(line, NOW)]
        return out + [record for line in splitter.flush() for record in reader.feed(line, NOW)] + reader.idle()

    whole = records([data])
    assert len(whole) == 3
    for at in range(len(data) + 1):
        assert records([data[:at], data[at:]]) == whole
