"""Lines of our own making, as each maker's description has them: what they mean, and that the right profile is named for one alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from gateway.smdr.shelf import profile, profiles
from gateway.smdr.vote import read, winner

NOW = datetime(2026, 11, 22, 3, 0)  # noqa: DTZ001 - printed times have no zone


def at(**placed: str) -> str:
    """A line with texts at columns: `at(c1="…", c17="…")`."""
    line = ""
    for place, text in placed.items():
        line = line.ljust(int(place[1:]) - 1)
        assert len(line) == int(place[1:]) - 1, f"{place}: the one before is too long"
        line += text
    return line


IPO = "2026/03/04 23:59:50,{},{},{},{},{},{},,{},77,{},{},{},{},{},{},0,,,,,,,,,,,,,"
CASES: list[tuple[str, str, dict[str, Any]]] = [
    # -- Panasonic: both clocks, both separators, names before and after numbers, charge, intercom, notices
    ("panasonic", "11/21/26 10:03PM  1200 01 <I>0991234567 PEREZ, J      0'09 00:00'00            NA",
     {"direction": "in", "number": "0991234567", "name": "PEREZ, J", "ring_s": 9, "duration_s": 0, "abandoned": True, "answered": False,
      "start": "2026-11-21T22:02:51"}),
    ("panasonic", "21/11/26 22:03   1200 0012 0991234567                                         12:00'05 1234567890 TR",
     {"direction": "out", "trunk": "0012", "number": "0991234567", "duration_s": 43205, "account": "1234567890", "transferred": True,
      "answered": None}),
    ("panasonic", "11/21/26 12:01AM\t102\t03\t<I>ACME SA0223456789\t0'20\t00:01'00", {"number": "0223456789", "name": "ACME SA",
      "start": "2026-11-20T23:59:40"}),
    ("panasonic", "11/21/26 03:45PM 1234    EXT1235                        00:12'05 98765",
     {"direction": "internal", "extension": "1234", "number": "1235", "duration_s": 725, "account": "98765", "trunk": None}),
    ("panasonic", "11/21/26 03:45PM 1234 01 5551234 00:12'05 00560.00EUR 98765", {"number": "5551234", "account": "98765"}),
    ("panasonic", "11/21/26 03:45PM 1234 01 <D>2000<I>5551234 0'05 00:12'05", {"dialled": "2000", "number": "5551234", "ring_s": 5}),
    ("panasonic", "11/21/26 03:45PM *123 01 5551234P12 00:00'05", {"extension": "*123", "number": "5551234P12", "direction": "out"}),
    ("panasonic", "11/21/26 03:45PM T01 01 123.............. 00:00'05", {"extension": "T01", "number": "123.............."}),
    ("panasonic", "11/21/26 03:45PM 103 03 <I> 5551234 ANA LE RC", {"event": "ringing", "name": "ANA LE", "answered": None}),
    ("panasonic", "11/21/26 03:45PM 103 03 <I> 5551234 ANA LE 0'20 AN", {"event": "answered", "ring_s": 20, "answered": True}),
    ("panasonic", "11/21/26 03:45PM 103 03 <I> 5551234 0'45 NA", {"abandoned": True, "ring_s": 45, "duration_s": 0}),
    ("panasonic", "**/**/** **:** 103 03 5551234 00:00'45", {"start": None, "number": "5551234"}),
    ("panasonic", "11/21/26 01:07PM 1234 LOG OUT", {"event": "log_out", "extension": "1234"}),
    ("panasonic", "11/21/26 01:07PM 1234 Timed Reminder/No Answer", {"event": "reminder"}),
    ("panasonic-ta", "11/21/26 *12:54PM 101 02 < incoming > 00:07'48 ....",
     {"direction": "in", "transferred": True, "start": "2026-11-21T12:54:00", "duration_s": 468, "answered": True}),
    ("panasonic-ta", "11/21/26 1:05PM C-05 01 <DISA incoming> 00:00'08 4536", {"extension": "C-05", "account": "4536"}),
    ("panasonic-dbs", "A 11/21 08:52:11 00:00:31 0100 012 I0991234567", {"abandoned": True, "number": "0991234567", "trunk": "012"}),
    ("panasonic-dbs", "t 11/21 08:52:11 00:10:31 0105 012", {"transferred": True}),
    ("panasonic-dbs", at(c1="I", c3="11/21", c9="08:52:11", c18="00:01:05", c27="104", c31="9724229700", c77="02"),
     {"direction": "in", "number": "9724229700", "trunk": "02", "extension": "104", "duration_s": 65}),
    ("panasonic", "11/21/26 03:45PM 1234 01 ACME SA0223456789 0'05 00:01'05 98765", {"direction": "in", "number": "0223456789", "name": "ACME SA"}),
    ("panasonic", "11/21/26 03:45PM 1234 01 10222P1-555-346-7890 00:01'05 001 FW", {"number": "10222P1-555-346-7890", "account": "001",
      "transferred": False}),
    ("whozz", "01 F             11/21 16:54:03", {"event": "off_hook", "trunk": "01"}),
    ("transtel", "000 03 Incoming 21/11 12:00 NoAns: 00'35\"", {"abandoned": True, "ring_s": 35}),
    ("cisco-cme", " %VOIPAAA-5-VOIP_FEAT_HISTORY: FEAT_VSA=fn:TWC,ft:11/21/2026 10:00:00", {"event": "feature"}),
    # -- Avaya IP Office: commas in names, internal, continued, voicemail, 38 fields
    ("avaya-ipoffice", IPO.format("00:10:01", 4, "0991234567", "I", "200", "200", "0", "0", "E204", "Perez, Juan", "T9002", "LINE 1,2", 0),
     {"direction": "in", "extension": "204", "trunk": "T9002", "duration_s": 601, "answered": True, "ring_s": 4, "transferred": False}),
    ("avaya-ipoffice", IPO.format("00:00:00", 31, "204", "O", "90991234567", "90991234567", "0", "0", "E204", "Ana", "T9002", "LINE 1.2", 0),
     {"direction": "out", "extension": "204", "number": "90991234567", "answered": False, "abandoned": False}),
    ("avaya-ipoffice", IPO.format("00:00:09", 3, "204", "O", "205", "205", "1", "0", "E204", "Ana", "E205", "Eva", 0),
     {"direction": "internal", "extension": "204", "number": "205", "trunk": None}),
    ("avaya-ipoffice", IPO.format("00:00:00", 3, "0991234567", "I", "200", "200", "0", "1", "E204", "Ana", "T9001", "LINE", 0),
     {"transferred": True, "abandoned": False, "last": False}),
    ("avaya-ipoffice", IPO.format("00:00:09", 3, "", "I", "200", "200", "0", "0", "", "", "T9001", "LINE", 0) + ",,10.0.0.1,7,,8,9",
     {"number": None, "extension": None, "answered": True}),
    ("avaya-ipoffice", IPO.format("00:00:09", 3, "0991234567", "I", "200", "200", "0", "0", "E200@10.0.0.1", "Ana", "T9051", "SIP 17.1", 0),
     {"extension": "200", "trunk": "T9051"}),
    # -- Avaya CM: each format by its columns, and tokens
    ("avaya-cm", at(c1="1352", c6="0053", c11="9", c17="101", c21="7001", c37="71234", c74="012"),
     {"direction": "in", "extension": "7001", "number": "71234", "trunk": "012", "duration_s": 318, "start": None, "time": "1352"}),
    ("avaya-cm", at(c4="1352", c8="1", c9="001", c12="7", c13="9", c16="803", c19="15559871234", c34="7001", c59="004"),
     {"direction": "out", "extension": "7001", "number": "15559871234", "trunk": "004", "duration_s": 3606}),
    ("avaya-cm", at(c1="1352", c6="0001", c11="A", c13="9", c18="803", c23="15559871234", c39="7001"),
     {"direction": "out", "extension": "7001", "number": "15559871234", "duration_s": 6}),
    ("avaya-cm", at(c1="112126", c8="1352", c13="0009", c18="9", c23="803", c27="7001", c46="71234", c74="02"),
     {"direction": "in", "extension": "7001", "number": "71234", "start": "2026-11-21T13:51:06", "end": "2026-11-21T13:52:00"}),
    ("avaya-cm", at(c1="13520009A", c10="9", c14="803", c18="15559871234", c33="7001"), {"direction": "out", "number": "15559871234"}),
    ("avaya-cm", "1352 0053 A 9 803 15559871234 7001", {"direction": "out", "extension": "7001", "number": "15559871234", "trunk": "803"}),
    ("avaya-cm", "1352 0053 9 101 7001 5559871234", {"direction": "in", "extension": "7001", "number": "5559871234"}),
    ("avaya-cm", "1352 0002 0 7001 7002", {"direction": "internal", "extension": "7002", "number": "7001"}),
    # -- Mitel: standard columns, clipped, 12 h clock, attendant, transfer, conference, ANI, tokens
    ("mitel", at(c1="-", c2="11/21", c8="01:07p", c15="00:05:12", c24="T102", c30="004", c34="2000", c60="A", c62="1402", c86="001", c92="0991234567"),
     {"direction": "in", "trunk": "T102", "extension": "1402", "number": "0991234567", "dialled": "2000", "ring_s": 4, "duration_s": 312,
      "start": "2026-11-21T13:07:00", "answered": True}),
    ("mitel", at(c2="11/21", c8="13:07", c15="00:05:12", c24="1402", c34="90991234567", c60="A", c62="T102"),
     {"direction": "out", "trunk": "T102", "extension": "1402", "number": "90991234567"}),
    ("mitel", at(c2="11/21", c8="13:07", c15="00:00:12", c24="T7", c29="*", c30="***", c34="2000", c62="1402"),
     {"direction": "in", "abandoned": True, "answered": False, "ring_s": None}),
    ("mitel", at(c2="11/21", c8="13:07", c15="00:03:06", c24="T162", c29="*", c30="003", c62="1241", c66="T", c68="1215"),
     {"direction": "in", "transferred": True, "transferred_to": "1215", "extension": "1215", "ring_s": 3}),
    ("mitel", "11/21 13:07 00:03:06 1402 90991234567 A T102", {"direction": "out", "trunk": "T102", "number": "90991234567"}),
    ("mitel", "11/21 13:07 00:03:06 T102 004 2000 A 1402", {"direction": "in", "trunk": "T102", "extension": "1402", "ring_s": 4}),
    ("mitel", "+11/21 13:07:44 0001:03:06 1402 1403 I 1403", {"direction": "internal", "extension": "1402", "number": "1403", "duration_s": 3786}),
    # -- Inter-Tel
    ("intertel", "TLD 01104 94002 5559871234                   09:15 00:02:11 $01.25 1234", {"direction": "out", "extension": "01104",
      "trunk": "94002", "number": "5559871234", "duration_s": 131, "account": "1234", "time": "09:15", "start": None}),
    ("intertel", "IN  ***** 94002 Ring... 5559871234           09:15 00:00:21", {"direction": "in", "abandoned": True, "ring_s": 21, "duration_s": 0,
      "extension": None}),
    ("intertel", "IN  1104 94002                               09:15 S=000075              *", {"direction": "in", "duration_s": 75, "cut": True}),
    # -- NEC: columns with names as stations, no date, not answered, transfers, all lines busy
    ("nec", at(c1="PIN", c6="10:52", c12="11/21", c18="001", c23="00:00:20", c32="Ana Lopez", c43="0991234567", c64="Juan Perez"),
     {"direction": "in", "extension": "Ana Lopez", "number": "0991234567", "name": "Juan Perez", "answered": True, "account": None}),
    ("nec", at(c1="IVIN", c6="10:52", c12="11/21", c18="001", c43="0991234567", c64="NO ANSWER"),
     {"direction": "in", "abandoned": True, "answered": False, "extension": None, "number": "0991234567"}),
    ("nec", at(c1="POTA", c6="10:52", c12="012", c23="01:00:20", c32="2001", c43="0991234567", c64="08754"),
     {"direction": "out", "trunk": "012", "duration_s": 3620, "account": "08754", "start": None, "time": "10:52"}),
    ("nec", "ITRS 10:52 11/21 002 00:00:20 2002 0991234567", {"transferred": True, "extension": "2002", "direction": None}),
    ("nec", "IVOTP 10:52 11/21 002 00:00:20 2002 0991234567", {"direction": "out"}),
    ("nec", "ICM 10:52 11/21 00:00:20 201 202", {"direction": "internal", "extension": "201", "number": "202", "trunk": None}),
    ("nec", "ALB 10:52 11/21 01", {"event": "all_lines_busy", "trunk": "01"}),
    ("nec", "POT 10:52 002 00:00:10 2001 0991234567", {"direction": "out", "start": None, "time": "10:52"}),
    # -- Nortel: old and new, abandoned, internal, answer supervision, tandem
    ("nortel", "N 027 00 2343 T010 011 11/21 07:46 00:01:12 A 19995567563", {"direction": "out", "extension": "2343", "trunk": "T010 011",
      "number": "19995567563", "duration_s": 72, "transferred": False}),
    ("nortel", "B 003 00 T004 012 2343 11/21 07:46:10 00:00:31", {"direction": "in", "abandoned": True, "ring_s": 31, "duration_s": 0}),
    ("nortel", "N 003 00 DN2343 A076 053 11/21 07:46:10 00:00:31.0 A 90991234567", {"direction": "out", "answered": True, "trunk": "A076 053",
      "extension": "2343"}),
    ("nortel", "L 003 00 2343 2344 11/21 07:46:10 00:00:31", {"direction": "internal", "extension": "2343", "number": "2344"}),
    ("nortel", "X 026 00 T010 016 2463 11/21 07:48 00:00:52 5566472", {"transferred": True, "direction": "in"}),
    ("nortel-bcm", "*112126 154615 0019 7343 0991234567 Ana Lopez U A", {"event": "answered", "number": "0991234567", "name": "Ana Lopez",
      "extension": "7343", "trunk": "0019", "start": "2026-11-21T15:46:15"}),
    # -- Toshiba
    ("toshiba-ctx", "N 001 000001 T001002   DN2021    11/21 13:45:05 00:00:26.0", {"direction": "in", "trunk": "T001002", "extension": "2021",
      "end": "2026-11-21T13:45:05", "start": "2026-11-21T13:44:39"}),
    ("toshiba-ctx", "B 001 00 T001002 DN2021 11/21 13:45:05 00:00:26.0", {"abandoned": True, "ring_s": 26, "duration_s": 0}),
    ("toshiba-ctx", "S 001 00 T001002 DN2021 11/21 13:45:05 00:00:26.0", {"transferred": True, "start": "2026-11-21T13:45:05"}),
    ("toshiba-dk", at(c1="01", c4="15", c9="08:14", c15="00:01;22", c24="00;08", c30="12", c35=""), {"direction": "in", "ring_s": 8,
      "duration_s": 82, "transferred": True, "transferred_to": "12"}),
    ("toshiba-dk", at(c1="02", c4="ABAN", c9="08:14", c15="00:00;22"), {"direction": "in", "abandoned": True, "extension": None, "ring_s": 22}),
    ("toshiba-dk", at(c1="02", c4="15", c9="08:14", c15="00:00;22", c35="7145833700", c62="456789"), {"direction": "out",
      "number": "7145833700", "account": "456789"}),
    ("toshiba-dk", at(c1="002", c5="15", c10="08:14", c16="00:00;22", c25="00;04", c81="0991234567"), {"direction": "in", "number": "0991234567"}),
    # -- Siemens: compressed, older, long, offered, not answered, forwarded, DISA
    ("hipath", at(c1="21.11.26", c9="10:15:30", c17="  1", c20="   104", c26="00:12", c31="00:03:20", c39="0991234567", c64="          0", c75=" 1"),
     {"direction": "in", "trunk": "1", "extension": "104", "ring_s": 12, "duration_s": 200, "number": "0991234567", "answered": True,
      "start": "2026-11-21T10:11:58", "end": "2026-11-21T10:15:30"}),
    ("hipath", at(c1="21.11.26", c9="10:15:30", c17="  1", c20="   104", c26="00:12", c39="0991234567", c75=" 1"), {"abandoned": True,
      "answered": False, "duration_s": 0}),
    ("hipath", at(c1="21.11.26", c9="10:15:30", c17="  1", c20="   104", c39="0991234567", c75=" 0"), {"event": "ringing", "direction": "in"}),
    ("hipath", at(c1="21.11.26", c10="10:15:30", c19="  1", c23="   104", c36="00:03:20", c45="0991234567", c66="       1.20", c78=" 6"),
     {"direction": "out", "transferred": True, "duration_s": 200, "number": "0991234567"}),
    ("hipath", "21.11.26 10:15:30 1 104 00:12 00:03:20 0991234567 0.00 51", {"direction": "in", "duration_s": 200}),
    ("hipath", at(c1="21.11.26", c9="10:15:30", c17=" 1", c19="  104", c24="00:12", c29="00:03:20", c37="0991234567", c68=" 9"),
     {"direction": "out", "transferred": True}),
    # -- Samsung: wide columns, forwarded, DISA, groups
    ("samsung", at(c3="701", c10="201", c27="11/21", c33="17:15:13", c42="00:00:28", c51="I", c102="0991234567", c119="ANA LOPEZ", c144="00:00:07"),
     {"direction": "in", "extension": "201", "trunk": "701", "number": "0991234567", "name": "ANA LOPEZ", "ring_s": 7, "answered": True}),
    ("samsung", "2010 1234 7001 11/21 17:15:13 00:00:28 OT 0991234567 4711", {"direction": "out", "extension": "2010", "account": "4711",
      "transferred": True, "number": "0991234567"}),
    ("samsung", "201 701 11/21 17:15:13 00:00:28 FO 0991234567", {"direction": "out", "transferred": True}),
    ("samsung", "201 11/21 17:15:13 00:00:00 OUT GROUP", {"event": "log_out", "extension": "201"}),
    # -- LG: calls, no sequence, ring, account, Vodavi
    ("lg", "0001 100 001 00:01:20 21/11/26 16:23 O0991234567", {"direction": "out",
      "number": "0991234567", "extension": "100", "trunk": "001", "duration_s": 80, "start": "2026-11-21T16:23:00"}),
    ("lg", "101 03 01:20 21/11/26 16:23 I RING 00:05 0991234567", {"direction": "in", "ring_s": 5, "number": "0991234567", "duration_s": 80}),
    ("lg", "0006 100 001 00:00:04 21/11/26 16:04 H100 RING 00:02", {"abandoned": True, "transferred": True}),
    ("lg", "116 08 00:02:00 14:13 11/21/26 O0123456789 123456", {"direction": "out", "number": "0123456789", "account": "123456"}),
    # -- TransTel, ESI, Asterisk, Whozz
    ("transtel", "115 02 0294150100 21/11 08:45 00:10'20\"", {"direction": "out", "number": "0294150100", "duration_s": 620}),
    ("esi", '"I","11212026","000852","000059","101","9724229700","ACME SA   ","54"', {"direction": "in", "number": "9724229700", "duration_s": 59,
      "start": "2026-11-21T00:08:52", "name": "ACME SA", "trunk": "54"}),
    ("asterisk", '"","0991234567","200","from-trunk","""ANA LOPEZ"" <0991234567>","PJSIP/pstn-0000001a","PJSIP/104-0000001b","Dial","PJSIP/104,20",'
     '"2026-11-21 10:00:00","2026-11-21 10:00:12","2026-11-21 10:01:12",72,60,"ANSWERED","DOCUMENTATION"',
     {"direction": "in", "extension": "104", "number": "0991234567", "trunk": "PJSIP/pstn", "ring_s": 12, "duration_s": 72, "talk_s": 60,
      "name": "ANA LOPEZ", "answered": True}),
    ("asterisk", ',104,0991234567,from-internal,"""Ana"" <104>",PJSIP/104-0000001a,PJSIP/pstn-0000001b,Dial,PJSIP/0991234567@pstn,2026-11-21 10:00:00,'
     ',2026-11-21 10:00:20,20,0,NO ANSWER,DOCUMENTATION,1.2,',
     {"direction": "out", "extension": "104", "number": "0991234567", "answered": False, "ring_s": 20, "trunk": "PJSIP/pstn"}),
    ("asterisk", '"","0991","200","from-trunk","","SIP/x-1","","VoiceMail","200@default,u","2026-11-21 00:13:16","2026-11-21 00:13:16",'
     '"2026-11-21 00:14:38",82,82,"ANSWERED","3"', {"direction": "in", "extension": None, "number": "0991", "dialled": "200"}),
    ("panasonic-dbs", "I 11/21 13:45:30 00:05:23 104 5551234 02", {"direction": "in", "trunk": "02", "number": "5551234"}),
    ("whozz", "02 O E 0015 G A0 11/21 01:28 PM 0991234567", {"direction": "out", "trunk": "02", "duration_s": 15, "number": "0991234567"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "line", "meant"), CASES, ids=[f"{number}-{case[0]}" for number, case in enumerate(CASES)])
def test_a_line_alone(name: str, line: str, meant: dict[str, Any]) -> None:
    result = winner(profiles(), [line], NOW)
    assert result is not None, "no profile fits"
    (record,) = result.records
    told = record.as_json()
    assert result.profile.name == name, told
    assert {key: told.get(key) for key in meant} == meant, told


@pytest.mark.parametrize(
    ("printed", "number"),
    [
        ("0990000007  .", "0990000007"),
        ("0990000007    %", "0990000007"),
        ("0990000007.", "0990000007"),
        ("09900d00007", None),
        ("099 000 0007", "099 000 0007"),
        ("099-000-0007", "099-000-0007"),
        ("ACME SA0990000007", "0990000007"),
    ],
)
def test_a_number_is_digits_and_what_stands_between_them(printed: str, number: str | None) -> None:
    (record,) = read(profile("panasonic"), [f"11/21/26 10:07AM  100 01 <I>{printed:<21} 0'05 00:01'07"], NOW).records
    assert record.number == number
    assert number is None or "." not in record.fields.get("name", "")


def test_what_was_no_number_is_no_number_of_a_mitel() -> None:
    """Columns alone would take any rubbish that stands in them; words stand there where data was sent."""
    noise = "-11/06 01:37p 00:31:13 T9    *** \xa0;.                        R**"
    assert read(profile("mitel"), [noise], NOW).reader.counts.unknown == 1
    (data,) = read(profile("mitel"), [" 03-13 11:25 00:00:03 1411     -DATA DTRX INVALID NUMBER   E 1412"], NOW).records
    assert (data.number, data.text) == ("1412", "INVALID NUMBER")


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-21 10:03:00 201 01 5551234 00:01:05",
        "11/21 13:45 00:05:23 4001 T1 5551234",
        "Nov 21 10:00:00 box kernel: usb 1-1: new device",
        "1234",
        "",
    ],
)
def test_a_line_of_no_make_is_taken_by_none(line: str) -> None:
    result = winner(profiles(), [line], NOW)
    assert result is None or result.records == []
