"""Which progress reaches a service's watchdog when the service has several parts."""

from __future__ import annotations

import logging

import pytest

from appliance.progress import Parts


class Heard:
    """A watch that counts."""

    def __init__(self) -> None:
        self.progresses, self.readies, self.texts = 0, 0, list[str]()

    def ready(self) -> None:
        self.readies += 1

    def progress(self) -> None:
        self.progresses += 1

    def status(self, text: str) -> None:
        self.texts.append(text)


class Now:
    s = 100.0


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def parts(heard: Heard) -> Parts:
    return Parts(heard, 15.0, lambda: Now.s)


@pytest.fixture(autouse=True)
def begin() -> None:
    Now.s = 100.0


def test_a_part_that_hangs_is_not_hidden_by_another(parts: Parts, heard: Heard, caplog: pytest.LogCaptureFixture) -> None:
    link, writer = parts.part("pbx main"), parts.part("the journal's writer")
    link.progress()
    writer.progress()
    assert heard.progresses == 2
    Now.s += 15.1
    with caplog.at_level(logging.ERROR):
        link.progress()
        link.progress()
    assert heard.progresses == 2
    assert [record.getMessage() for record in caplog.records] == [
        "the journal's writer does not move any more: the watchdog is not fed until it does"
    ]
    writer.progress()
    assert heard.progresses == 3


def test_what_has_not_begun_or_rests_is_not_expected(parts: Parts, heard: Heard) -> None:
    link, never = parts.part("pbx main"), parts.part("never begun")
    work = parts.part("work", 1.0)
    work.progress()
    work.rests()
    Now.s += 60
    link.progress()
    assert heard.progresses == 2
    never.status("text")
    never.ready()
    assert (heard.texts, heard.readies) == (["text"], 1)
