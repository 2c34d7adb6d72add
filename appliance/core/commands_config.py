"""What may be asked of the box: the verbs, and of those that reach the PBX whom, which queues and numbers, how often; how a PBX dials."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct, field

from appliance.core.dial_number import fits

#: The verbs that a PBX carries out.
PBX_VERBS: Final = (
    "originate", "answer", "hangup", "hold", "resume", "transfer", "pause", "unpause", "queue_add", "queue_remove", "supervise",
)  # fmt: skip

_PerMinute = Annotated[int, Meta(ge=1, le=10_000)]
_RingSeconds = Annotated[float, Meta(ge=5, le=300, extra={"unit": "s"})]


class CommandOnly(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of one verb. Keys of agents and queues may end in `*`; empty: all. `numbers`: patterns; empty: none."""

    agents: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    per_minute: _PerMinute | None = None
    per_agent_minute: _PerMinute | None = None


class Commands(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which verbs the CRM may use, on whom and how often; who may supervise; what is never dialled."""

    allow: tuple[str, ...] = (
        "announce", "withdraw", "acknowledge", "ping", "kpi", "classify", "directory", "callback", "resend", "beacon", "headset_ring",
    )  # fmt: skip
    only: dict[str, CommandOnly] = field(default_factory=dict)
    supervisors: tuple[str, ...] = ()
    country: str | None = None
    never: tuple[str, ...] = ()
    per_minute: _PerMinute = 120

    def of(self, verb: str) -> CommandOnly:
        """The limits of a verb."""
        return self.only.get(verb) or CommandOnly()


class DialConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a PBX dials what a command asks for: where its dialplan is entered, and what stands before a number."""

    context: str | None = None
    preview_context: str | None = None
    prefix: Annotated[str, Meta(pattern=r"^[0-9*#]{0,8}$")] = ""
    international: Annotated[str, Meta(pattern=r"^[0-9]{0,8}$")] | None = None
    internal: tuple[str, ...] = ()
    caller_id: Annotated[str, Meta(pattern=r"^\+?[0-9]{1,18}$")] | None = None
    show_card: bool = True
    phone_notify: bool = False
    ring_s: _RingSeconds = 30.0
    number_s: _RingSeconds = 60.0

    def dialled(self, number: str) -> str:
        """What the dialplan is given for a number.

        >>> dial = DialConfig(prefix="9", international="00", internal=("2xxx",))
        >>> dial.dialled("2040"), dial.dialled("0991234567"), dial.dialled("+59323456789")
        ('2040', '90991234567', '90059323456789')
        """
        if fits(number, self.internal):
            return number
        if self.international is not None:
            number = number.replace("+", self.international)
        return self.prefix + number

    def readings(self, number: str) -> list[str]:
        """The ways in which a dialplan may read a number: as it is, behind what gets a line, each also abroad by the site's own sign.

        >>> DialConfig(prefix="9", international="00").readings("9005939")
        ['9005939', '005939', '+5939']
        """
        forms = [number]
        if self.prefix and number.startswith(self.prefix):
            forms.append(number.removeprefix(self.prefix))
        if self.international:
            forms += [f"+{form.removeprefix(self.international)}" for form in forms if form.startswith(self.international)]
        return [form for form in forms if form]
