"""Decides which headsets can be simulated by name: ids, layout and the habits of their firmware, as public sources tell them.

No device was seen. A model of one's own comes from a descriptor in a file, with habits named on the command line.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from msgspec import Struct, convert
from msgspec.structs import fields, replace

from appliance.core.errors import MisconfiguredError
from appliance.sim.headset_layout import EPOS_LIKE, JABRA_LIKE, POLY_LIKE, YEALINK_LIKE

MuteLamp = Literal["mute", "microphone"]


class Habits(Struct, frozen=True, kw_only=True):
    """What a headset does besides what its descriptor says.

    `press_ms`: how long a button is down. `pulse_ms`: the hook's level falls so soon after it rose (0: it stays). `let_go`: whether a
    button's 0 is sent at all. `reverts`: a press that no host answers within `patience_s` is taken back; a button is then down until
    the answer. `echo`: when the host's off-hook lamp moves the hook, that is reported at once, else with the next report. `repeats`:
    each report is sent so often. `mute_lamp`: which lamp the firmware takes for mute. `mute_level`: the mute control tells the state,
    whatever the descriptor says. `mute_in_call`: there is no mute while on-hook, and it ends with the call. `own_mute`: it mutes by
    itself; the host's lamp is a lamp. `wireless`: the USB end stays when the headset is carried away.
    """

    press_ms: float = 60.0
    pulse_ms: float = 0.0
    let_go: bool = True
    patience_s: float = 2.0
    reverts: bool = False
    echo: bool = False
    repeats: int = 1
    mute_lamp: MuteLamp = "mute"
    mute_level: bool = False
    mute_in_call: bool = False
    own_mute: bool = False
    wireless: bool = False


class Model(Struct, frozen=True, kw_only=True):
    """A kind of headset: `vendor_id` and `product_id` as four hex digits."""

    name: str
    product: str
    vendor_id: str
    product_id: str
    descriptor: bytes
    habits: Habits = Habits()
    about: str = ""


MODELS: Final[dict[str, Model]] = {
    model.name: model
    for model in (
        Model(
            name="jabra",
            product="Evolve Link (simulated)",
            vendor_id="0b0e",
            product_id="0307",
            descriptor=JABRA_LIKE,
            habits=Habits(reverts=True, mute_in_call=True, echo=True),
            about="hook a level that follows the lamp, mute a press; takes back within 2 s what nobody answers; mutes in a call only",
        ),
        Model(
            name="jabra-base",
            product="PRO 9450 (simulated)",
            vendor_id="0b0e",
            product_id="1022",
            descriptor=JABRA_LIKE,
            habits=Habits(reverts=True, mute_in_call=True, echo=True, mute_lamp="microphone", wireless=True),
            about="the same with a radio base; mute is its microphone lamp",
        ),
        Model(
            name="poly",
            product="Blackwire 3220 (simulated)",
            vendor_id="047f",
            product_id="c056",
            descriptor=POLY_LIKE,
            habits=Habits(pulse_ms=50.0),
            about="its hook goes to 1 and back within 50 ms; a report per lamp",
        ),
        Model(
            name="epos",
            product="SC 660 (simulated)",
            vendor_id="1395",
            product_id="0082",
            descriptor=EPOS_LIKE,
            habits=Habits(echo=True),
            about="hook a level that follows the host's lamp; inputs and outputs under two report ids",
        ),
        Model(
            name="epos-base",
            product="IMPACT D1 (simulated)",
            vendor_id="1395",
            product_id="009c",
            descriptor=EPOS_LIKE,
            habits=Habits(echo=True, wireless=True),
            about="the same with a DECT base, which stays when the headset is out of range",
        ),
        Model(
            name="phone",
            product="USB phone (simulated)",
            vendor_id="1209",
            product_id="0001",
            descriptor=YEALINK_LIKE,
            about="no report ids, lamps in bytes; believes whatever was pressed",
        ),
        Model(
            name="switch",
            product="Speakermic (simulated)",
            vendor_id="18d1",
            product_id="8001",
            descriptor=JABRA_LIKE,
            habits=Habits(mute_level=True, own_mute=True),
            about="its mute is a switch: it tells its state and asks nobody",
        ),
    )
}
DEFAULT: Final = "jabra"


def model_named(name: str) -> Model:
    """Raises MisconfiguredError for a name that is none."""
    try:
        return MODELS[name]
    except KeyError:
        raise MisconfiguredError(
            f"no headset {name!r} is built in; there are {', '.join(MODELS)}; or give a descriptor with --descriptor"
        ) from None


def with_habits(model: Model, words: str) -> Model:
    """The model with other habits: `reverts,echo=no,patience_s=3`. Raises MisconfiguredError for one that is none.

    >>> with_habits(MODELS["phone"], "reverts, repeats=2").habits.repeats
    2
    """
    known = {field.name: field.type for field in fields(Habits)}
    told: dict[str, Any] = {}
    for word in filter(None, map(str.strip, words.split(","))):
        name, given, value = (part.strip() for part in word.partition("="))
        if name not in known:
            raise MisconfiguredError(f"--habits: {name!r} is none; there are {', '.join(known)}")
        try:
            told[name] = convert({"yes": True, "no": False}.get(value, value) if given else True, known[name], strict=False)
        except ValueError as fault:
            raise MisconfiguredError(f"--habits: {word!r}: {fault}; write as in reverts,echo=no,patience_s=3") from fault
    return replace(model, habits=replace(model.habits, **told))
