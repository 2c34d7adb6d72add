"""What a serial sign says of a board, what files that makes, and what is sent first: pure, on sample floors in three languages."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.config import Config, Privacy, Sign, Site
from appliance.floor.snapshot import AgentCounts, Alarm, Announcement, Crm, Pbx, Queue, Snapshot
from appliance.sim.sign_memory import Files
from drivers.alpha_command import FORBIDDEN_STRINGS, Memory, WriteString, WriteText, command_from_body, string_file, text_file
from drivers.alpha_frame import frame_of
from wallboard.board import Board
from wallboard.board_set import BoardSet
from wallboard.layout import BoardSpec, PageSpec
from wallboard.sample import NOW_NS, ago, sample
from wallboard.sign.page import Phrase, Sayings, sayings_from
from wallboard.sign.plan import Planner, is_same
from wallboard.sign.priority import Burst, Bursts
from wallboard.sign.sender import RELEASE, RELEASE_AGAIN_S, Moment, Sender
from wallboard.sign.text import sign_text
from wallboard.words import LANGUAGES

MOMENT = Moment("0903", 7, trusted=True)


def board(snapshot: Snapshot, language: str = "es", spec: BoardSpec | None = None) -> Board:
    boards = BoardSet(Config(site=Site(name="quito-norte", timezone="America/Guayaquil"), privacy=Privacy(agent_names=True)))
    if spec is not None:
        boards.files["floor"] = spec
    return boards.board("floor", snapshot, NOW_NS, language)


def link_down() -> Snapshot:
    floor = sample()
    floor.crm = Crm(state="down", since=ago(155), backlog=1204, oldest=ago(155), full_in_s=7 * 3600)
    return floor


def alarmed(**change: object) -> Snapshot:
    floor = sample()
    floor.alarms = [Alarm(id="floor.abandon_rate", level="red", since=ago(30)), Alarm(id="floor.asa", level="amber", since=ago(30))]
    floor.alarms = [msgspec.structs.replace(alarm, **change) for alarm in floor.alarms]
    return floor


def stale() -> Snapshot:
    floor = sample()
    floor.pbx = {"central": Pbx(state="down", since=ago(95))}
    for scope in (floor.floor, *floor.queues.values()):
        scope.fresh, scope.as_of = "stale", ago(95)
    return floor


# What is said.


def test_figures_in_their_order_under_their_pages() -> None:
    lines = sign_text(board(sample())).splitlines()
    assert lines[:4] == ["Aviso: Hoy a las 16:00, simulacro de evacuación en todo el piso", "[Piso]", "En cola 4", "Espera más larga 0:41"]
    assert "[Colas]" in lines
    assert "Soporte técnico 0  0:00  NS 93,8\xa0%" in lines
    assert not any(line.startswith("»") for line in lines)


def test_an_alarm_takes_the_sign_with_its_figure_and_decorates_it() -> None:
    lines = sign_text(board(alarmed())).splitlines()
    assert lines[0] == "» Piso: Abandono !!3,9\xa0%"
    assert "Abandono !!3,9\xa0%" in lines
    assert "Tiempo promedio de espera !0:10" in lines


def test_an_acknowledged_alarm_only_decorates() -> None:
    lines = sign_text(board(alarmed(acknowledged=ago(5)))).splitlines()
    assert lines[0].startswith("Aviso")
    assert "Abandono !!3,9\xa0% Visto" in lines


@pytest.mark.parametrize(
    ("language", "words"), [("es", "Sin enlace con la central:"), ("en", "No link to the CRM:"), ("pt", "Sem ligação com a central:")]
)
def test_link_down_is_said_in_words_with_the_figures_still_there(language: str, words: str) -> None:
    lines = sign_text(board(link_down(), language)).splitlines()
    assert lines[0].startswith(f"» {words}")
    assert "09:00" in lines[0]
    assert "2:35" in lines[0]
    assert any(line.startswith(words) for line in lines[1:])
    assert any(line.endswith(" 4") for line in lines)


def test_stale_unknown_and_closed() -> None:
    lines = sign_text(board(stale())).splitlines()
    assert "Dato de hace 1:35" in lines
    assert "En cola (4)" in lines
    assert lines[0].startswith("» Sin conexión con la planta telefónica")
    assert any(line.startswith("Ventas (3)") and line.endswith("1:35") for line in lines)
    unknown = sign_text(board(Snapshot())).splitlines()
    assert "En cola –" in unknown
    assert "Sin dato" in unknown
    closed = sample()
    closed.open, closed.floor.waiting, closed.floor.agents, closed.announcements = False, 0, AgentCounts(), []
    assert sign_text(board(closed)) == "Cerrado"


def test_people_are_counted_and_never_named() -> None:
    spec = BoardSpec(page=(PageSpec(kind="agents", names=True),))
    text = sign_text(board(sample(), spec=spec))
    assert "Agente" not in text
    assert "Hablando 26" in text


def test_little_seen_is_marked() -> None:
    floor = sample()
    floor.floor.today.coverage = 0.4
    assert "Abandono /3,9\xa0%/" in sign_text(board(floor))


# Files.


def planned(sign: Sign, sayings: Sayings) -> Files:
    """A sign that holds the plan, by its own rules."""
    plan = Planner(sign).plan(sayings)
    files = Files(sign.memory_bytes)
    assert files.configure(plan.memory) == ""
    assert files.write_text("A", plan.text) == ""
    for label, data in plan.strings.items():
        assert files.write_string(label, data) == ""
    return files


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "snapshot", [sample(), link_down(), stale(), alarmed(), Snapshot()], ids=["normal", "link", "stale", "alarm", "empty"]
)
def test_the_files_show_what_is_said(snapshot: Snapshot, language: str) -> None:
    said = sayings_from(board(snapshot, language), "09:03")
    files = planned(Sign(url="loop://", width=60), said)
    shown = [line.text for line in files.shown("09:03")]
    assert shown[-1] == "09:03"
    plain = str.maketrans({"\xa0": " ", "–": "-", "Ã": "Ã"})
    for phrase, text in zip(said.rotation, shown, strict=False):
        assert text == phrase.text.translate(plain) or phrase.short in text


def test_a_label_that_has_no_room_is_short_and_what_is_long_moves() -> None:
    files = planned(Sign(url="loop://", width=14), sayings_from(board(sample()), "09:03"))
    shown = files.shown("09:03")
    assert ("hold", "Disponibles 6") in [(line.mode, line.text) for line in shown]
    assert ("hold", "Máx 0:41") in [(line.mode, line.text) for line in shown]
    assert next(line.mode for line in shown if line.text.startswith("Aviso")) == "rotate"


def test_a_figure_that_changes_changes_one_string_and_no_text() -> None:
    planner = Planner(Sign(url="loop://"))
    before = planner.plan(sayings_from(board(sample()), "09:03"))
    changed = sample()
    changed.floor.waiting = 5
    after = planner.plan(sayings_from(board(changed), "09:03"))
    assert (after.text, after.memory) == (before.text, before.memory)
    assert [label for label in after.strings if after.strings[label] != before.strings[label]] == ["a"]


def test_a_sign_of_one_colour_gets_none() -> None:
    plan = Planner(Sign(url="loop://", colours=False)).plan(sayings_from(board(alarmed()), None))
    assert b"\x1c" not in plan.text + b"".join(plan.strings.values())


def test_labels_of_strings_are_allowed_ones_and_sizes_fit() -> None:
    many = sample()
    many.queues = {f"q{n}": Queue(title=f"Cola número {n}", fresh="live", waiting=n) for n in range(200)}
    plan = Planner(Sign(url="loop://")).plan(sayings_from(board(many), "09:03"))
    labels = [file.label for file in plan.memory.files]
    assert len(set(labels)) == len(labels)
    assert FORBIDDEN_STRINGS.isdisjoint(labels)
    assert plan.left_out > 100  # the first stay
    assert b"En cola" in plan.text
    assert Files(16_384).configure(plan.memory) == ""


@settings(max_examples=40)
@given(st.integers(1024, 20_000), st.integers(0, 40), st.integers(6, 60))
def test_whatever_the_memory_it_is_never_too_much(memory_bytes: int, queues: int, width: int) -> None:
    floor = sample()
    floor.queues = {f"q{n}": Queue(title=f"Cola {n}", fresh="live", waiting=n) for n in range(queues)}
    planned(Sign(url="loop://", memory_bytes=memory_bytes, width=width), sayings_from(board(floor), "09:03"))


@given(st.lists(st.text(max_size=400), max_size=4), st.sampled_from(["info", "urgent"]))
def test_any_announcement_makes_lawful_frames(texts: list[str], severity: str) -> None:
    floor = sample()
    floor.announcements = [Announcement(id=str(at), text=text, severity=severity) for at, text in enumerate(texts)]  # type: ignore[arg-type]
    planner, said = Planner(Sign(url="loop://")), sayings_from(board(floor), None)
    plan = planner.plan(said)
    frame_of(plan.text)
    for phrase in said.priority:
        for body in planner.urgent(phrase):
            frame_of(body)
            assert Files(1000).write_text("0", body[2:]) == ""


def test_ten_kilobytes_of_urgency_come_in_parts_and_end_in_dots() -> None:
    floor = sample()
    floor.announcements = [Announcement(id="a", text="Evacúen el piso 😀 ya \x04\x1b" * 500, severity="urgent")]
    planner, said = Planner(Sign(url="loop://")), sayings_from(board(floor), None)
    planner.plan(said)
    bodies = planner.urgent(said.priority[0])
    assert 3 <= len(bodies) <= 6
    assert bodies[-1].endswith(b"...")
    assert b"Urgente: Evac\x08Cen" in bodies[0]


def test_the_priority_text_calls_the_figure() -> None:
    planner, said = Planner(Sign(url="loop://")), sayings_from(board(alarmed()), None)
    plan = planner.plan(said)
    (body,) = planner.urgent(said.priority[0])
    files = Files(16_384)
    files.configure(plan.memory)
    for label, data in plan.strings.items():
        files.write_string(label, data)
    files.write_text("0", body[2:])
    assert [line.text for line in files.shown("")] == ["Piso: Abandono !!3,9 %"]
    assert body.endswith(b"\x10e")


def test_a_trouble_finds_its_strings_there() -> None:
    """The table is not written just when the link breaks: that would blank the sign for seconds."""
    planner = Planner(Sign(url="loop://"))
    calm = planner.plan(sayings_from(board(sample()), "09:03"))
    for trouble in (link_down(), stale(), alarmed()):
        assert planner.plan(sayings_from(board(trouble), "09:03")).memory == calm.memory


def test_tables_are_compared_by_meaning() -> None:
    wanted = Memory((text_file("A", 512), string_file("a", 40)))
    assert is_same(wanted, Memory((text_file("A", 9000), string_file("a", 40))))  # it has got the rest of the pool
    assert not is_same(wanted, Memory((text_file("A", 256), string_file("a", 40))))
    assert not is_same(wanted, Memory((text_file("A", 512), string_file("a", 41))))
    assert not is_same(wanted, Memory((text_file("A", 512),)))
    assert not is_same(wanted, Memory())


# What takes the sign over.


def test_bursts_leave_the_figures_their_time() -> None:
    bursts = Bursts(10, 60)
    link, alarm = Burst("link", (b"l1", b"l2")), Burst("alarm", (b"a",))
    assert bursts.step([link], 0) == b"l1"
    assert bursts.step([link], 9.9) == b"l1"
    assert bursts.step([link], 10) == b"l2"
    assert bursts.step([link], 20) is None
    assert bursts.step([link], 60) is None  # figures
    assert bursts.step([link, alarm], 61) == b"a"  # what is new comes at once
    assert bursts.step([link, alarm], 71) is None
    assert bursts.step([link, alarm], 79) is None  # the figures have as long
    assert bursts.step([link, alarm], 81) == b"l1"
    assert bursts.step([alarm], 82) is None  # the link is back


def test_a_flood_of_alarms_hides_no_figure() -> None:
    bursts = Bursts(10, 60)
    seen = [bursts.step([Burst(f"alarm {n}", (b"x",)) for n in range(now_s // 5, now_s // 5 + 50)], now_s) for now_s in range(600)]
    assert 0.2 < seen.count(None) / len(seen) < 0.8


# What is sent first.


def drained(sender: Sender, now_s: float, most: int = 100) -> list[str]:
    out = []
    while (send := sender.next(now_s)) is not None and len(out) < most:
        sender.sent(send, now_s)
        out.append(send.about)
    return out


def told(sender: Sender, planner: Planner, snapshot: Snapshot, priority: bytes | None = None, moment: Moment = MOMENT) -> None:
    sender.tell(planner.plan(sayings_from(board(snapshot), "09:03")), priority, moment)


def test_the_order_at_the_start_and_the_newest_value_after() -> None:
    sign = Sign(url="loop://")
    sender, planner = Sender(sign), Planner(sign)
    told(sender, planner, sample())
    about = drained(sender, 0)
    # The table erases what was there, so that a release is due again.
    assert about[:8] == ["priority", "memory", "priority", "time", "format", "day", "run", "string a"]
    assert len(about) == 8 + 21
    assert drained(sender, 1) == []
    changed = sample()
    changed.floor.waiting = 5
    told(sender, planner, changed)
    changed.floor.waiting = 6
    told(sender, planner, changed)
    send = sender.next(2)
    assert send is not None
    command = command_from_body(send.body)
    assert isinstance(command, WriteString)
    assert b"6" in command.data
    assert drained(sender, 2) == ["string a"]


def test_a_release_is_sent_twice_and_all_again_in_time() -> None:
    sign = Sign(url="loop://", refresh_s=600)
    sender, planner = Sender(sign), Planner(sign)
    told(sender, planner, sample())
    drained(sender, 0)
    alarm = WriteText("0").body + b"\x1b bX"
    told(sender, planner, sample(), alarm)
    assert drained(sender, 10) == ["priority"]
    told(sender, planner, sample())
    assert drained(sender, 20) == ["priority"]
    assert drained(sender, 20 + RELEASE_AGAIN_S - 0.1) == []
    assert drained(sender, 20 + RELEASE_AGAIN_S) == ["priority"]
    assert drained(sender, 30) == []
    again = drained(sender, 601)
    assert "memory" not in again
    assert {"text", "run", "string a"} <= set(again)
    sender.lost(long=False)
    sender.holds(None)  # it is silent, and the outage was short
    assert sender.next(602) is not None
    assert "memory" not in drained(sender, 602)
    sender.lost(long=True)
    sender.holds(None)
    assert "memory" in drained(sender, 603)


def test_time_at_the_start_hourly_and_when_the_hour_turns() -> None:
    sign = Sign(url="loop://")
    sender, planner = Sender(sign), Planner(sign)
    told(sender, planner, sample(), moment=Moment("0958", 7, trusted=True))
    drained(sender, 0)
    told(sender, planner, sample(), moment=Moment("0959", 7, trusted=True))
    assert drained(sender, 60) == []
    told(sender, planner, sample(), moment=Moment("1000", 1, trusted=True))
    assert drained(sender, 120) == ["time", "day"]
    unset = Sender(sign)
    told(unset, planner, sample(), moment=Moment("0000", 1, trusted=False))
    assert "time" not in drained(unset, 0)


def test_a_string_never_says_anothers_figure() -> None:
    """When a queue goes and another comes, the label that changes hands is blanked before the text that calls it."""
    sign = Sign(url="loop://", clock=False)
    sender, planner = Sender(sign), Planner(sign)

    def said(*keys: str) -> Sayings:
        return Sayings((), tuple(Phrase(key, key, value=f"[{key}]", live=key) for key in keys))

    files = Files(sign.memory_bytes)
    ring = [*(f"f{n}" for n in range(8)), *(f"g{n}" for n in range(8))]
    for start in range(0, 16, 3):
        names = [ring[(start + n) % 16] for n in range(8)]
        sender.tell(planner.plan(said(*names)), None, MOMENT)
        while (send := sender.next(start)) is not None:
            command = command_from_body(send.body)
            match command:
                case Memory():
                    files.configure(command)
                case WriteText(label="A"):
                    files.write_text("A", command.body[2:])
                case WriteString():
                    files.write_string(command.label, command.data)
            sender.sent(send, start)
            for line in files.shown(""):
                label, _, value = line.text.partition(" ")
                assert value in ("", "-", f"[{label}]"), line


def test_a_table_that_was_read_back_is_not_written() -> None:
    sign = Sign(url="loop://")
    sender, planner = Sender(sign), Planner(sign)
    told(sender, planner, sample())
    sender.holds(planner.plan(sayings_from(board(sample()), "09:03")).memory)
    assert "memory" not in drained(sender, 0)
    sender.holds(Memory())
    assert "memory" in drained(sender, 1)
    assert RELEASE == b"A0"


@given(st.randoms(use_true_random=False), st.integers(0, 9))
def test_a_line_that_loses_frames_is_made_good(random: Random, lost_of_ten: int) -> None:
    """Nothing is acknowledged: whatever was lost, after the next refresh the sign holds the plan."""
    sign = Sign(url="loop://", clock=False, refresh_s=60)
    sender, planner, files = Sender(sign), Planner(sign), Files(sign.memory_bytes)

    def hear(body: bytes) -> None:
        command = command_from_body(body)
        match command:
            case Memory():
                assert files.configure(command) == ""
            case WriteText():
                files.write_text(command.label, command.body[2:])
            case WriteString():
                files.write_string(command.label, command.data)

    def speak(now_s: float, lost: int) -> None:
        for _ in range(100):
            send = sender.next(now_s)
            if send is None:
                return
            if random.randrange(10) >= lost or send.about == "memory":
                hear(send.body)
            sender.sent(send, now_s)

    snapshot = sample()
    for now_s in range(0, 50, 5):
        snapshot.floor.waiting = random.randrange(1000)
        told(sender, planner, snapshot, random.choice([None, b"A0\x1b balarma"]))
        speak(now_s, lost_of_ten)
    told(sender, planner, snapshot)
    speak(200, 0)
    speak(200 + RELEASE_AGAIN_S, 0)
    plan = planner.plan(sayings_from(board(snapshot), "09:03"))
    assert files.priority is None
    assert files.data == {"A": plan.text, **plan.strings}
    assert sender.next(210) is None
