"""A port's bytes as they come: the make told by the lines, a buffer printed again, another PBX on the same wire."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.smdr.event import event_from_record
from gateway.smdr.record import CallRecord
from gateway.smdr.shelf import profile
from gateway.smdr.stream import Stream
from gateway.smdr.twice import WINDOW_S, Twice, digest_of

NOW = datetime(2026, 11, 21, 10, 30)  # noqa: DTZ001 - printed times have no zone


def printed(count: int, begin: int = 0) -> list[str]:
    return [
        f"11/21/26 {10 + n // 60:02d}:{n % 60:02d}AM  {100 + n % 7} 01 <I>099{n:07d}            0'05 00:01'{n % 60:02d}\r\n"
        for n in range(begin, begin + count)
    ]


def feed(stream: Stream, lines: list[str], at_s: float = 0.0) -> list[CallRecord]:
    return [record for line in lines for record in stream.feed(line.encode(), NOW, at_s)]


def test_the_make_is_told_by_the_first_lines_and_none_of_them_is_lost() -> None:
    stream = Stream(None)
    stream.connected(0.0)
    assert feed(stream, printed(5)) == []
    told = stream.idle(NOW, 3.0)
    assert [record.profile for record in told] == ["panasonic"] * 5
    assert len(feed(stream, printed(2, 5))) == 2


def test_the_make_is_told_at_once_where_much_comes() -> None:
    stream = Stream(None)
    stream.connected(0.0)
    assert len(feed(stream, printed(20))) == 20


def test_rubbish_tells_no_make() -> None:
    stream = Stream(None)
    stream.connected(0.0)
    assert feed(stream, ["~{|\x7f}rubbish of a wrong speed\r\n"] * 100) == []
    assert stream.idle(NOW, 3.0) == []
    assert stream.counts.unknown == 100
    assert len([*feed(stream, printed(60)), *stream.idle(NOW, 9.0)]) == 60


def test_another_make_on_the_same_wire_is_told_after_a_while() -> None:
    stream = Stream(None)
    stream.connected(0.0)
    feed(stream, printed(20))
    lines = [f"POT 10:{n % 60:02d} 11/21 002 00:00:10 20{n % 60:02d} 099{n:07d} 08754\r\n" for n in range(60)]
    assert {record.profile for record in feed(stream, lines)} == {"nec"}


def test_a_buffer_printed_again_is_told_once() -> None:
    stream = Stream(profile("panasonic"))
    stream.connected(0.0)
    first = feed(stream, printed(10))
    stream.connected(60.0)
    again = feed(stream, [*printed(8, 2), *printed(3, 10)], 61.0)
    assert (len(first), [record.number for record in again]) == (10, [f"099{n:07d}" for n in (10, 11, 12)])
    assert stream.twice.dropped == 8


def test_two_equal_calls_are_two_calls() -> None:
    stream = Stream(profile("panasonic"))
    stream.connected(0.0)
    assert len(feed(stream, printed(1) * 2)) == 2
    stream.connected(60.0)
    assert len(feed(stream, printed(1) * 3, 61.0)) == 1


def test_what_was_told_before_a_restart_is_known() -> None:
    before = Stream(profile("panasonic"))
    before.connected(0.0)
    events = [event_from_record("norte", record) for record in feed(before, printed(10))]
    stream = Stream(profile("panasonic"), seen=[event.digest or "" for event in events if event is not None])
    stream.connected(0.0)
    assert [record.number for record in feed(stream, printed(12))] == ["0990000010", "0990000011"]


def test_the_window_ends() -> None:
    stream = Stream(profile("panasonic"))
    stream.connected(0.0)
    feed(stream, printed(3))
    stream.connected(10.0)
    assert len(feed(stream, printed(3), 11.0 + WINDOW_S)) == 3


@given(st.lists(st.sampled_from("abcdef"), max_size=40), st.data())
def test_any_tail_printed_again_with_new_ones_after_it(told: list[str], data: st.DataObject) -> None:
    """Whatever repeats within: the tail goes whole, what follows it is new."""
    twice = Twice()
    twice.connected(0.0)
    assert [text for text in told if twice.is_again(digest_of(text), 0.0)] == []
    tail = told[data.draw(st.integers(0, len(told))) :]
    twice.connected(1.0)
    again = [*tail, *data.draw(st.lists(st.sampled_from("uvwxyz"), max_size=5))]
    assert [text for text in again if not twice.is_again(digest_of(text), 1.0)] == again[len(tail) :]


def test_a_line_cut_off_by_a_lost_connection_is_no_record() -> None:
    stream = Stream(profile("samsung"))
    stream.connected(0.0)
    line = "205 702 11/21 17:31:06 00:03:00 TT 0991234567 ANA\r\n"
    for at in range(len(line) - 2):
        stream.connected(0.0)
        data = "OUT OF PAPER\r\n" + line[:at]
        assert [*stream.feed(data.encode(), NOW, 0.0), *stream.closed(NOW, 0.0)] == []


def test_a_peer_that_ends_each_record_by_hanging_up() -> None:
    stream = Stream(profile("panasonic"))
    stream.connected(0.0)
    assert stream.feed(printed(1)[0].rstrip().encode(), NOW, 0.0) == []
    assert len(stream.closed(NOW, 1.0)) == 1


def test_only_calls_are_events() -> None:
    stream = Stream(profile("panasonic"))
    stream.connected(0.0)
    records = feed(stream, ["11/21/26 01:07PM 1234 LOG IN\r\n", "11/21/26 03:45PM 103 03 <I> 5551234 RC\r\n", *printed(1)])
    events = [event_from_record("norte", record) for record in records]
    assert [event is None for event in events] == [True, True, False]
    event = events[2]
    assert event is not None
    assert (event.pbx, event.profile, event.direction, event.extension, event.trunk, event.number) == (
        "norte", "panasonic", "in", "100", "01", "0990000000",
    )  # fmt: skip
    assert (event.start, event.duration_s, event.ring_s, event.answered, event.queue) == ("2026-11-21T09:58:55", 60.0, 5.0, True, None)


def test_live_dates_are_near_now() -> None:
    """On the third of April a European PBX needs no setting."""
    now = datetime(2026, 4, 3, 10, 5)  # noqa: DTZ001
    stream = Stream(profile("panasonic"))
    stream.connected(0.0)
    (record,) = stream.feed(b"03/04/26 10:04AM 101 01 0991234567 00:01'00\r\n", now, 0.0)
    assert record.start is not None
    assert now - record.start < timedelta(minutes=3)
