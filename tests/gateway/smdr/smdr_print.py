"""Calls printed as each make's description has it, with what each line means: the truth that the parsers are held against.

`printed(draw, name)` draws a call and one of the ways in which that make prints it: blanks that are there or lost, both clocks, codes,
digits with `*`, `#` and `+`, transfers, internal calls.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from msgspec import Struct

NOW = datetime(2026, 11, 22, 3, 0)  # noqa: DTZ001 - printed times have no zone
Draw = Callable[..., Any]
Told = tuple[str, dict[str, Any]]
OUTSIDE = st.from_regex(r"0?[2-9][0-9]{6,9}", fullmatch=True)
NAMES = st.sampled_from(["PEREZ JUAN", "ACME SA", "Ana Lopez", "LLAMOSAS M", "OBRIEN", "NUNEZ Y CIA"])


class Call(Struct):
    """What happened."""

    end: datetime
    ext: str
    trunk: int
    number: str
    talk_s: int
    ring_s: int
    account: str
    name: str
    inward: bool

    @property
    def begun(self) -> datetime:
        """When it began to ring."""
        return self.end - timedelta(seconds=self.talk_s + self.ring_s)


def hms(span: int, colon: str = ":", last: str = ":") -> str:
    return f"{span // 3600:02d}{colon}{span // 60 % 60:02d}{last}{span % 60:02d}"


def ms(span: int, sep: str = ":") -> str:
    return f"{span // 60:02d}{sep}{span % 60:02d}"


def call(draw: Draw) -> Call:
    return Call(
        end=NOW - timedelta(days=draw(st.integers(1, 360)), seconds=draw(st.integers(0, 86399))), ext=str(draw(st.integers(100, 699))),
        trunk=draw(st.integers(1, 60)), number=draw(OUTSIDE), talk_s=draw(st.integers(1, 9000)), ring_s=draw(st.integers(1, 599)),
        account=draw(st.one_of(st.just(""), st.from_regex(r"[1-9][0-9]{4,7}", fullmatch=True))), name=draw(st.one_of(st.just(""), NAMES)),
        inward=draw(st.booleans()),
    )  # fmt: skip


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def panasonic(c: Call, draw: Draw) -> Told:
    year, clock = draw(st.sampled_from(["%m/%d/%y", "%m/%d/%Y"])), draw(st.sampled_from(["%I:%M%p", "%H:%M", "%I:%M %p"]))
    kind = draw(st.sampled_from(["talk", "talk", "NA", "TR", "D", "EXT"]))
    end = c.end.replace(second=0)
    head = f"{end:{year}} {end:{clock}} {c.ext:>5} "
    if kind == "EXT":
        line = f"{head}   {f'EXT{c.trunk + 700}':<25}      {hms(c.talk_s, last=chr(39))} {c.account}"
        return line, {"direction": "internal", "extension": c.ext, "number": str(c.trunk + 700), "duration_s": c.talk_s, "trunk": None}
    ring = f"{c.ring_s // 60}'{c.ring_s % 60:02d}"
    if c.inward or kind in ("NA", "D"):
        did = "<D>2000" if kind == "D" else ""
        talk = 0 if kind == "NA" else c.talk_s
        dial = f"{did}<I>{c.number}{' ' + c.name if c.name else ''}"
        line = f"{head}{c.trunk:02d} {dial:<36} {ring:>5} {hms(talk, last=chr(39))} {c.account:<10} {kind if kind in ('NA', 'TR') else ''}"
        meant = (
            {
                "direction": "in",
                "number": c.number,
                "ring_s": c.ring_s,
                "duration_s": talk,
                "abandoned": kind == "NA",
                "answered": kind != "NA",
                "transferred": kind == "TR",
            }
            | ({"dialled": "2000"} if did else {})
            | ({"name": c.name} if c.name else {})
        )
        return line, meant | ({"start": _iso(end - timedelta(seconds=c.ring_s + talk))})
    digits = draw(st.sampled_from([c.number, f"9P{c.number}", f"*67#{c.number}"]))
    line = f"{head}{c.trunk:02d} {digits:<25}      {hms(c.talk_s, last=chr(39))} {c.account:<10} {kind if kind == 'TR' else ''}"
    meant = {
        "direction": "out",
        "number": digits,
        "duration_s": c.talk_s,
        "transferred": kind == "TR",
        "extension": c.ext,
        "trunk": f"{c.trunk:02d}",
    }
    return line, meant | ({"account": c.account} if c.account else {})


def panasonic_ta(c: Call, draw: Draw) -> Told:
    begun = c.begun.replace(second=0)
    star = draw(st.sampled_from(["", "*"]))
    head = f"{begun:%m/%d/%y} {star}{begun.hour % 12 or 12}:{begun:%M%p} {c.ext:>4} {c.trunk % 100:02d} "
    way = draw(st.sampled_from(["< incoming >", "<incoming>", "<DISA incoming>", "<DIL incoming>"])) if c.inward else c.number
    line = f"{head}{way:<32} {hms(c.talk_s, last=chr(39))} {c.account or '....'}"
    meant = {
        "direction": "in" if c.inward else "out",
        "duration_s": c.talk_s,
        "transferred": bool(star),
        "extension": c.ext,
        "start": _iso(begun),
    }
    return line, meant | ({} if c.inward else {"number": c.number})


def ipoffice(c: Call, draw: Draw) -> Told:
    more, lost = draw(st.sampled_from([0, 13, 14, 18, 21])), draw(st.booleans()) and c.inward
    going_on, talk = draw(st.integers(0, 1)) if not lost else 0, 0 if lost else c.talk_s
    number, name = draw(st.sampled_from([c.number, f"+{c.number}"])), c.name.replace(" ", ", ")
    who = (number, "I", "200", "200") if c.inward else (c.ext, "O", number, number)
    cells = [f"{c.begun:%Y/%m/%d %H:%M:%S}", hms(talk), str(c.ring_s), *who, c.account, "0", f"1{c.trunk:06d}", str(going_on), f"E{c.ext}",
             name, f"T{9000 + c.trunk}", f"LINE {c.trunk}.1", "0", "0", *[""] * more]  # fmt: skip
    meant = {"direction": "in" if c.inward else "out", "number": number, "extension": c.ext, "trunk": f"T{9000 + c.trunk}",
             "duration_s": talk, "ring_s": c.ring_s, "abandoned": lost, "answered": not lost, "start": _iso(c.begun),
             "call_id": f"1{c.trunk:06d}", "transferred": bool(going_on)}  # fmt: skip
    return ",".join(cells), meant


def avaya_cm(c: Call, draw: Draw) -> Told:
    tenths = min(c.talk_s // 6, 5999)
    span = f"{tenths // 600}{tenths // 10 % 60:02d}{tenths % 10}"
    cells = {1: f"{c.end:%H%M}", 6: span, 11: "9" if c.inward else "A"}
    if c.inward:
        cells |= {17: f"{100 + c.trunk}", 21: f"7{c.ext}", 37: c.number[:5]}
        meant = {"direction": "in", "extension": f"7{c.ext}", "number": c.number[:5]}
    else:
        cells |= {13: "9", 17: f"{100 + c.trunk}", 21: c.number, 37: f"7{c.ext}", 43: c.account}
        meant = {"direction": "out", "extension": f"7{c.ext}", "number": c.number} | ({"account": c.account} if c.account else {})
    line = ""
    for at, text in cells.items():
        line = line.ljust(at - 1) + text
    return line.ljust(draw(st.sampled_from([0, 80]))), meant | {"duration_s": tenths * 6}


def nortel(c: Call, draw: Draw) -> Told:
    kind = draw(st.sampled_from("NNSEXBL" if c.inward else "NNSEXL"))
    trunk, seconds = f"T{c.trunk:03d} {c.trunk + 1:03d}", draw(st.sampled_from(["", ":00"]))
    begun = c.begun.replace(second=0)
    left, right = (c.ext, "699") if kind == "L" else (trunk, c.ext) if c.inward else (c.ext, trunk)
    digits = "" if kind in "BL" else draw(st.sampled_from([c.number, f"A {c.number}", f"9{c.number}#"]))
    span = c.ring_s if kind == "B" else c.talk_s
    line = f"{kind} {c.trunk:03d} 00 {left:<8} {right:<8} {begun:%m/%d %H:%M}{seconds} {hms(span)} {digits}"
    if kind == "L":
        return line, {"direction": "internal", "extension": c.ext, "number": "699", "duration_s": c.talk_s}
    meant = {"direction": "in" if c.inward else "out", "trunk": trunk, "extension": c.ext, "abandoned": kind == "B" if c.inward else None,
             "duration_s": 0 if kind == "B" else c.talk_s, "transferred": kind in "SEX"}  # fmt: skip
    return line, meant | ({"ring_s": c.ring_s} if kind == "B" else {"number": digits.removeprefix("A ")})


def toshiba_ctx(c: Call, draw: Draw) -> Told:
    kind = draw(st.sampled_from("NNSXEB" if c.inward else "NNSXE"))
    trunk, dn = f"{draw(st.sampled_from('TA'))}{c.trunk:06d}", f"DN{c.ext}"
    left, right = (trunk, dn) if c.inward else (dn, trunk)
    moment = c.begun if kind == "S" else c.end
    span = c.ring_s if kind == "B" else c.talk_s
    line = f"{kind} {c.trunk:03d} {'00':<6} {left:<7} {right:<7} {moment:%m/%d %H:%M:%S} {hms(span)}.0"
    line += "" if c.inward else f" {c.number}"
    return line, {"direction": "in" if c.inward else "out", "trunk": trunk, "extension": c.ext, "duration_s": 0 if kind == "B" else c.talk_s,
                  "transferred": kind in "SXE", "number": None if c.inward else c.number}  # fmt: skip


def toshiba_dk(c: Call, draw: Draw) -> Told:
    kind = draw(st.sampled_from(["ABAN", "ring", "ring"])) if c.inward else "out"
    if kind == "ABAN":
        return f"{c.trunk:02d} ABAN {c.end:%H:%M} {hms(c.ring_s, last=';')}", {"direction": "in", "abandoned": True, "ring_s": c.ring_s}
    cut = draw(st.sampled_from([" ", "*"]))
    ring = ms(c.ring_s, ";") if c.inward else ""
    line = f"{c.trunk:02d}{cut}{c.ext:<4} {c.end:%H:%M} {hms(c.talk_s, last=';')} {ring:<5}      {'' if c.inward else c.number:<26} {c.account}"
    meant = {
        "direction": "in" if c.inward else "out",
        "extension": c.ext,
        "trunk": f"{c.trunk:02d}",
        "duration_s": c.talk_s,
        "cut": cut == "*",
    }
    return line, meant | ({"ring_s": c.ring_s} if c.inward else {"number": c.number})


def hipath(c: Call, draw: Draw) -> Told:
    info = draw(st.sampled_from([1, 5, 7] if c.inward else [2, 6, 8]))
    lost = info == 1 and draw(st.booleans())
    talk = 0 if lost else c.talk_s
    line = (
        f"{c.end:%d.%m.%y%H:%M:%S}{c.trunk:>3}{c.ext:>6}{ms(c.ring_s) if c.inward else '':<5}{'' if lost else hms(c.talk_s):<8}"
        f"{c.number:<25}{'':>11}{info:>2}{c.account:<11}"
    )
    meant = {"direction": "in" if c.inward else "out", "trunk": str(c.trunk), "extension": c.ext, "number": c.number, "duration_s": talk,
             "transferred": info in (5, 6), "abandoned": lost if c.inward else None, "end": _iso(c.end)}  # fmt: skip
    return line, meant | ({"ring_s": c.ring_s} if c.inward else {})


def nec(c: Call, draw: Draw) -> Told:
    lost = c.inward and draw(st.booleans())
    kind = draw(st.sampled_from(["PIN", "IVIN", "IDIN"] if c.inward else ["POT", "POTA", "POTP", "IVOT", "IDOT", "POTW"]))
    dated = draw(st.booleans())
    begun = c.begun.replace(second=0)
    head = f"{kind:<5}{begun:%H:%M} " + (f"{begun:%m/%d} {c.trunk:03d} " if dated else f"{c.trunk:03d}       ")
    talk = "" if lost else hms(c.talk_s)
    line = f"{head:<22}{talk:<8} {'' if lost else c.ext:<10} {c.number:<20} {'NO ANSWER' if lost else c.account}"
    meant = {"direction": "in" if c.inward else "out", "trunk": f"{c.trunk:03d}", "number": c.number, "duration_s": 0 if lost else c.talk_s,
             "abandoned": lost if c.inward else None, "extension": None if lost else c.ext}  # fmt: skip
    return line, meant | ({"start": _iso(begun)} if dated else {})


def lg(c: Call, draw: Draw) -> Told:
    begun, seq = c.begun.replace(second=0), draw(st.sampled_from(["", "0001 "]))
    if c.inward and draw(st.booleans()):
        kind, target = draw(st.sampled_from("RG")), draw(st.sampled_from(["", c.ext]))
        line = f"{seq}{c.ext:<4} {c.trunk:03d} {hms(c.ring_s)} {begun:%d/%m/%y %H:%M} {kind}{target} RING {ms(c.ring_s)}"
        return line, {
            "direction": "in",
            "abandoned": True,
            "ring_s": c.ring_s,
            "extension": c.ext,
            "trunk": f"{c.trunk:03d}",
            "start": _iso(begun),
        }
    if c.inward:
        line = f"{seq}{c.ext:<4} {c.trunk:03d} {hms(c.talk_s)} {begun:%d/%m/%y %H:%M} I RING {ms(c.ring_s)} {c.number}"
        return line, {
            "direction": "in",
            "ring_s": c.ring_s,
            "number": c.number,
            "duration_s": c.talk_s,
            "answered": True,
            "start": _iso(begun),
        }
    line = f"{seq}{c.ext:<4} {c.trunk:03d} {hms(c.talk_s)} {begun:%d/%m/%y %H:%M} O{c.number} {c.account}"
    return line, {"direction": "out", "number": c.number, "duration_s": c.talk_s, "extension": c.ext}


def samsung(c: Call, draw: Draw) -> Told:
    begun = c.begun
    mark = draw(st.sampled_from(["I", "IT", "T", "TT", "A", "DI", "FI"] if c.inward else ["O", "OT", "DO", "FO"]))
    auth = draw(st.sampled_from(["", "12345"]))
    ext = "" if mark == "A" else c.ext[0].replace("6", "2") + c.ext[1:]
    span = c.ring_s if mark == "A" else c.talk_s
    rest = f"{'':<18} {'':<12} {c.number:<15} {c.name}" if c.inward else f"{c.number:<18} {c.account}"
    line = f"{ext:<5} {auth if ext else '':<8} {700 + c.trunk} {begun:%m/%d %H:%M:%S} {hms(span)} {mark:<2} {rest}"
    meant = {"extension": ext or None, "trunk": str(700 + c.trunk), "number": c.number, "start": _iso(begun), "transferred": mark in ("IT", "T", "TT", "OT", "FI", "FO"),
             "direction": "in" if c.inward else "out", "duration_s": 0 if mark == "A" else c.talk_s}  # fmt: skip
    return line, meant | ({"abandoned": True, "ring_s": c.ring_s} if mark == "A" else {}) | (
        {"name": c.name} if c.inward and c.name else {}
    )


def transtel(c: Call, draw: Draw) -> Told:
    begun = c.begun.replace(second=0)
    head, when = f"{c.ext:<4} {c.trunk:02d} ", f"{begun:%d/%m %H:%M}"
    talk, ring = hms(c.talk_s, last="'") + '"', ms(c.ring_s, "'") + '"'
    if c.inward and draw(st.booleans()):
        return f"{head}Incoming no answer  {when} {ring}", {"direction": "in", "abandoned": True, "ring_s": c.ring_s, "start": _iso(begun)}
    if c.inward:
        line = f"{head}Incoming {c.account} {when} {talk} {ring}"
        return line, {"direction": "in", "ring_s": c.ring_s, "duration_s": c.talk_s, "answered": True, "extension": c.ext}
    mark = draw(st.sampled_from(["", "# ", "* "]))
    return f"{head}{mark}{c.number:<24} {when} {talk}", {
        "direction": "out",
        "number": c.number,
        "duration_s": c.talk_s,
        "transferred": bool(mark),
    }


def intertel(c: Call, draw: Draw) -> Told:
    span = draw(st.sampled_from([hms, lambda s: f"S={s:06d}"]))
    lost = c.inward and draw(st.booleans())
    kind = draw(st.sampled_from(["IN", "DID"] if c.inward else ["LOC", "TLC", "TLD", "O/I", "INT", "000"]))
    star = draw(st.sampled_from(["", "*"]))
    who = "*****" if lost else f"1{c.ext}"
    digits = c.number if not c.inward or draw(st.booleans()) else ""
    line = f"{kind:<3} {who:<5} 94{c.trunk:03d} {digits:<28} {c.begun:%H:%M} {span(c.ring_s if lost else c.talk_s)} $00.00 {c.account:<12}{star}"
    meant = {
        "direction": "in" if c.inward else "out",
        "trunk": f"94{c.trunk:03d}",
        "duration_s": 0 if lost else c.talk_s,
        "number": digits or None,
    }
    return line, meant | ({"abandoned": True, "ring_s": c.ring_s} if lost else {"extension": who}) | ({"cut": True} if star else {})


def dbs(c: Call, draw: Draw) -> Told:
    mark = draw(st.sampled_from("IAtS" if c.inward else "OFTL"))
    talk = 0 if mark == "A" else c.talk_s
    line = f"{mark} {c.begun:%m/%d %H:%M:%S} {hms(c.talk_s)} 0{c.ext} {c.trunk:03d} {'I' if c.inward else ''}{c.number}"
    return line, {"direction": "in" if c.inward else "out", "number": c.number, "trunk": f"{c.trunk:03d}", "start": _iso(c.begun),
                  "duration_s": talk, "extension": f"0{c.ext}", "transferred": mark in "tTF"}  # fmt: skip


def mitel(c: Call, draw: Draw) -> Told:
    wide = draw(st.booleans())
    begun = c.begun.replace(second=0)
    long = " " if c.talk_s < 300 else "-" if c.talk_s < 600 else "%" if c.talk_s < 1800 else "+"
    head = f"{long}{begun:%m/%d %H:%M}" + (f":00  {c.talk_s // 3600:04d}:{hms(c.talk_s)[3:]} " if wide else f"  {hms(c.talk_s)} ")
    width, party = (26, 7) if wide else (26, 4)
    lost = c.inward and draw(st.booleans())
    if c.inward:
        wait = ("*" * (4 if wide else 3)) if lost else f"{c.ring_s:0{4 if wide else 3}d}"
        line = f"{head}{f'T{c.trunk}':<{party}} {'' if wide else ' '}{wait} {'2000':<{width}}{' ' if lost else 'A'} {c.ext if not lost else '':<{party}}"
        return line, {"direction": "in", "trunk": f"T{c.trunk}", "extension": None if lost else c.ext, "abandoned": lost, "answered": not lost,
                      "dialled": "2000", "duration_s": c.talk_s, "ring_s": None if lost else c.ring_s, "start": _iso(begun)}  # fmt: skip
    line = f"{head}{c.ext:<{party}} {'' if wide else ' '}{'':<{4 if wide else 3}} {'9' + c.number:<{width}}A T{c.trunk}"
    return line, {
        "direction": "out",
        "trunk": f"T{c.trunk}",
        "extension": c.ext,
        "number": f"9{c.number}",
        "answered": True,
        "duration_s": c.talk_s,
    }


def asterisk(c: Call, draw: Draw) -> Told:
    how = draw(st.sampled_from(["ANSWERED", "NO ANSWER", "BUSY"]))
    talk = c.talk_s if how == "ANSWERED" else 0
    number = draw(st.sampled_from([c.number, f"+{c.number}"]))
    begun, stamp = c.begun, "%Y-%m-%d %H:%M:%S"
    who = (number, c.ext, "from-pstn") if c.inward else (c.ext, number, "from-internal")
    ends = ("PJSIP/pstn-0000001a", f"PJSIP/{c.ext}-0000001b") if c.inward else (f"PJSIP/{c.ext}-0000001a", "PJSIP/pstn-0000001b")
    answer = f"{begun + timedelta(seconds=c.ring_s):{stamp}}" if talk else ""
    end = begun + timedelta(seconds=c.ring_s + talk)
    quoted = [
        f'"{text}"'
        for text in ("", *who, f'""{c.name}"" <{who[0]}>', *ends, "Dial", "PJSIP/x,20", f"{begun:{stamp}}", answer, f"{end:{stamp}}")
    ]
    cells = [
        *quoted,
        str(c.ring_s + talk),
        str(talk),
        f'"{how}"',
        '"DOCUMENTATION"',
        *draw(st.sampled_from([[], ['"1.2"'], ['"1.2"', '""']])),
    ]
    if draw(st.booleans()):
        cells = [cell if '""' in cell[1:-1] or "," in cell else cell.strip('"') for cell in cells]
    meant = {"direction": "in" if c.inward else "out", "number": number, "extension": c.ext, "trunk": "PJSIP/pstn", "start": _iso(begun),
             "answered": how == "ANSWERED", "duration_s": c.ring_s + talk}  # fmt: skip
    return ",".join(cells), meant | ({"ring_s": c.ring_s, "talk_s": talk} if talk else {})


def esi(c: Call, draw: Draw) -> Told:
    kind = draw(st.sampled_from("IT" if c.inward else "OT"))
    cells = (kind, f"{c.begun:%m%d%Y}", f"{c.begun:%H%M%S}", f"{c.talk_s // 3600:02d}{c.talk_s // 60 % 60:02d}{c.talk_s % 60:02d}", c.ext, c.number,
             c.name, f"{c.trunk:02d}")  # fmt: skip
    meant = {"direction": None if kind == "T" else "in" if c.inward else "out", "number": c.number, "extension": c.ext, "start": _iso(c.begun),
             "duration_s": c.talk_s, "trunk": f"{c.trunk:02d}", "transferred": kind == "T"}  # fmt: skip
    return ",".join(f'"{cell}"' for cell in cells), meant


def whozz(c: Call, draw: Draw) -> Told:
    begun = c.begun.replace(second=0)
    way, number = "I" if c.inward else "O", draw(st.sampled_from([c.number, f"{c.number[:3]}-{c.number[3:]}"]))
    clock = f"{begun:%I:%M %p}"
    line = f"{c.trunk:02d} {way} E {c.talk_s:04d} G A2 {begun:%m/%d} {clock} {number:<14} {c.name}"
    return line, {
        "direction": "in" if c.inward else "out",
        "trunk": f"{c.trunk:02d}",
        "number": number,
        "duration_s": c.talk_s,
        "start": _iso(begun),
    }


def cisco(c: Call, draw: Draw) -> Told:
    stamp, zone = "%H:%M:%S.000 {} %a %b %d %Y", draw(st.sampled_from(["CET", "UTC", "EST"]))
    begun, answer = c.begun.strftime(stamp).format(zone), (c.begun + timedelta(seconds=c.ring_s)).strftime(stamp).format(zone)
    line = (
        f"{draw(st.sampled_from(['', '<189>', '*']))}Nov 21 10:16:25.486: %VOIPAAA-5-VOIP_CALL_HISTORY: CallLegType 1, ConnectionId AB12 3C, SetupTime {begun}, "
        f"PeerAddress {c.number}, PeerSubAddress , DisconnectCause 10  , DisconnectText normal call clearing (16), ConnectTime {answer}, "
        f"DisconnectTime {c.end.strftime(stamp).format(zone)}, CallOrigin 1, ChargedUnits 0"
    )
    return line, {
        "number": c.number,
        "duration_s": c.talk_s,
        "ring_s": c.ring_s,
        "answered": True,
        "start": _iso(c.begun),
        "call_id": "AB12 3C",
    }


def bcm(c: Call, draw: Draw) -> Told:
    begun = c.begun.replace(microsecond=0)
    line = f"*{begun:%m%d%y} {begun:%H%M%S} {c.trunk:04d} 7{c.ext} {c.number} {draw(st.sampled_from('GANTR'))}"
    return line, {"direction": "in", "number": c.number, "extension": f"7{c.ext}", "trunk": f"{c.trunk:04d}", "start": _iso(begun)}


MAKES: dict[str, Callable[[Call, Draw], Told]] = {
    "avaya-ipoffice": ipoffice, "asterisk": asterisk, "esi": esi, "cisco-cme": cisco, "whozz": whozz, "toshiba-ctx": toshiba_ctx,
    "nortel": nortel, "nortel-bcm": bcm, "panasonic": panasonic, "panasonic-ta": panasonic_ta, "hipath": hipath, "nec": nec, "lg": lg,
    "samsung": samsung, "transtel": transtel, "intertel": intertel, "toshiba-dk": toshiba_dk, "panasonic-dbs": dbs, "mitel": mitel,
    "avaya-cm": avaya_cm,
}  # fmt: skip


def printed(draw: Draw, name: str) -> Told:
    """One line of that make, and what it means."""
    return MAKES[name](call(draw), draw)
