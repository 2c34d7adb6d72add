"""Decides which manager user the box asks a PBX's keeper for: the least rights that tell everything, and the volume cut at its source."""

from __future__ import annotations

from typing import Final

from appliance.core.errors import MisconfiguredError

_RIGHTS: Final = """read = system,call,agent,user
; write = system,reporting lets the box read the channel list and the start time after an outage (it changes nothing).
; Without it leave write empty: queues are still read, and after an outage conversations are judged by the phones alone.
{write}
; The box's own address only.
deny = 0.0.0.0/0.0.0.0
permit = {address}/255.255.255.255
; What the box has no use for, dropped before it is sent: with CEL on, more than a quarter of the bytes.
eventfilter = !Event: CEL
eventfilter = !Event: RTCP
; A slow reader loses its connection, not single events.
writetimeout = 5000
"""

_READS: Final = "write = system,reporting"
_ACTS: Final = """; Commands need more: originate for click to dial and supervise; call for hangup and transfer; agent for pause and
; the queues. system also lets phones be told to answer and to hold (phone_notify).
write = system,reporting,call,agent,originate"""

_ASTERISK: Final = """; Callfloor: put this into /etc/asterisk/manager.d/callfloor.conf (or at the end of manager.conf), then
; `manager reload`. In [general]: enabled = yes; timestampevents = yes is welcome, not needed; bindaddr as narrow as
; may be, and tlsenable = yes where the box is not on the same wire.
; To have the reason told why callers leave a queue (timeout, empty, withdrawn), either add `dialplan` to read, which
; doubles the volume, or let the dialplan send a UserEvent after Queue() and map it in [pbx.NAME.queue_result].

[{user}]
secret = {secret}
{rights}"""

_FREEPBX: Final = """; Callfloor on FreePBX: Settings > Asterisk Manager Users does the same; by hand, put this into
; /etc/asterisk/manager_custom.conf (FreePBX never overwrites that file), then `fwconsole reload`.
; FreePBX's queue members are Local/NNN@from-queue/n with the state interface hint:NNN@ext-local: the box follows both.
; "Wrap-Up-Time" is set per queue and not told over AMI: repeat it in the box's [queues.KEY] wrap_up_s.

[{user}]
secret = {secret}
{rights}"""

_TEMPLATES: Final = {"asterisk": _ASTERISK, "freepbx": _FREEPBX}


def template(
    kind: str, *, user: str = "callfloor", secret: str = "CHANGE-ME", address: str = "BOX-ADDRESS", commands: bool = False  # noqa: S107
) -> str:  # fmt: skip
    """The text of `callfloor pbx template asterisk|freepbx`; `commands`: the box is to carry them out. Raises MisconfiguredError.

    >>> "[callfloor]" in template("asterisk"), "originate" in template("asterisk"), "originate" in template("freepbx", commands=True)
    (True, False, True)
    """
    if kind not in _TEMPLATES:
        text = f"no template for {kind!r}; there are: {', '.join(sorted(_TEMPLATES))}"
        raise MisconfiguredError(text)
    return _TEMPLATES[kind].format(user=user, secret=secret, rights=_RIGHTS.format(address=address, write=_ACTS if commands else _READS))
