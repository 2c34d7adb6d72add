"""The faults of the suite, each a function that plays one round of it on a stage: processes that die, lines that fail."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable

import msgspec
from fault_stage import Round, Stage

Play = Callable[[Stage, Round, random.Random], None]


class Kind(msgspec.Struct, frozen=True):
    """One kind of fault. `well_s`: how long the box may take to be well; `slower_s`: how much later the board may be."""

    name: str
    rounds: int
    play: Play
    well_s: float = 45.0
    slower_s: float = 0.0


def wait(chance: random.Random, from_s: float, to_s: float) -> None:
    time.sleep(chance.uniform(from_s, to_s))


def killed(*names: str) -> Play:
    """kill -9 of these at a random moment; more than one within half a second."""

    def play(stage: Stage, played: Round, chance: random.Random) -> None:
        wait(chance, 0.0, 1.0)
        order = list(names)
        chance.shuffle(order)
        blind = played.blind() if "gateway" in names else None
        if blind:
            blind.__enter__()
        for name in order:
            stage.kill(name)
            if name != order[-1]:
                wait(chance, 0.0, 0.5)
        if "broker" in names:
            played.disorder = True  # contract, "Order": the consumer returned within one window
            with played.down():
                wait(chance, 0.2, 3.0)
            stage.broker.start()
        if blind:
            blind.__exit__(None, None, None)

    return play


def any_killed(stage: Stage, played: Round, chance: random.Random) -> None:
    """One of our processes or the broker, or some of them together, die at a random moment."""
    everybody = ["gateway", "wallboard", "uplink", "broker"]
    count = chance.choices((1, 2, 4), (8, 3, 1))[0]
    killed(*chance.sample(everybody, count))(stage, played, chance)


def killed_in_a_drain(stage: Stage, played: Round, chance: random.Random) -> None:
    """Fifteen hundred events wait; while they are sent uplink or broker die, twice."""
    stage.line.refuses = True
    stage.line.cut()
    stage.append(1_500)  # a mosquitto that writes at every change takes two hundred a second
    stage.line.clear()
    for _time in range(2):
        wait(chance, 0.3, 1.3)
        killed(chance.choice(("uplink", "uplink", "broker")))(stage, played, chance)


def cut(stage: Stage, played: Round, chance: random.Random) -> None:
    """Connections end and for a while none can be made."""
    stage.line.refuses = True
    with played.down():
        stage.line.cut(reset=chance.random() < 0.5)
        wait(chance, 0.5, 4.0)
    stage.line.clear()


def reset_often(stage: Stage, _: Round, chance: random.Random) -> None:
    """RST again and again, each time in the middle of what is said."""
    for _time in range(6):
        wait(chance, 0.1, 0.9)
        stage.line.cut(reset=True)


def half_closed(stage: Stage, _: Round, chance: random.Random) -> None:
    """One side says that it will say no more."""
    stage.line.half_close(towards_box=chance.random() < 0.5)
    time.sleep(1.5)


def stalled(stage: Stage, _: Round, chance: random.Random) -> None:
    """Nothing moves for some seconds, and then all of it."""
    stage.line.delay_s = chance.uniform(2.0, 5.0)
    time.sleep(1.0)
    stage.line.clear()
    time.sleep(2.0)


def slow(stage: Stage, _: Round, chance: random.Random) -> None:
    """A long way: a quarter of a second each way."""
    stage.line.delay_s = 0.25
    wait(chance, 3.0, 5.0)
    stage.line.clear()


def trickled(stage: Stage, _: Round, chance: random.Random) -> None:
    """Byte by byte, so that every packet is cut everywhere."""
    stage.line.piece, stage.line.piece_s = chance.choice(((1, 0.0), (1, 0.0002), (7, 0.001), (3, 0.0)))
    stage.line.cut()
    wait(chance, 3.0, 5.0)
    stage.line.clear()


def swallowed(stage: Stage, played: Round, _: random.Random) -> None:
    """Half open: the line takes everything and gives nothing; the box must find out within 20 s."""
    stage.line.swallows = True
    with played.down(allow_s=20.0):
        time.sleep(25.0)
    stage.line.clear()
    stage.line.cut()


def pbx_fault(name: str) -> Play:
    """The PBX's own line fails, as the simulator has it."""

    def play(stage: Stage, played: Round, chance: random.Random) -> None:
        seconds = chance.uniform(1.0, 3.0)
        with played.blind():
            stage.pbx.say(f"{name} {seconds:.1f}")
            time.sleep(seconds)

    return play


def stopped(name: str) -> Play:
    """A process stands still for seconds (SIGSTOP) and then goes on: a suspended machine, a card that does not answer."""

    def play(stage: Stage, played: Round, chance: random.Random) -> None:
        process = stage.broker if name == "broker" else stage.box.services[name]
        process.signal(signal.SIGSTOP)
        wait(chance, 2.0, 6.0)
        process.signal(signal.SIGCONT)

    return play


PROCESSES = (
    Kind("kill -9 of any", 200, any_killed),
    Kind("kill -9 in a drain of 1 500", 5, killed_in_a_drain, 90.0),
    Kind("broker stands still", 3, stopped("broker")),
    Kind("uplink stands still", 3, stopped("uplink")),
)
LINES = (
    Kind("line cut", 4, cut),
    Kind("line reset again and again", 4, reset_often),
    Kind("line half closed", 4, half_closed),
    Kind("line stalls", 4, stalled),
    Kind("line slow, 250 ms each way", 3, slow),
    Kind("line byte by byte", 4, trickled),
    Kind("line half open", 2, swallowed),
)
