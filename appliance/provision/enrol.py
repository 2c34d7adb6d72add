"""Decides how provisioning asks for the box's certificate: last, on a live box, and without making a fault of a server that is away.

The key is made on the box and stays there (appliance.enroll). A server that does not answer is no reason to go back: the box keeps its
events, and the next run asks again.
"""

from __future__ import annotations

from pathlib import Path

from appliance.core.clock import Clock
from appliance.core.errors import CallfloorError
from appliance.provision.certificate import FOLDER
from appliance.provision.machine import Machine
from appliance.provision.site import SiteSheet
from appliance.provision.verify import Seen
from appliance.provision.words import Words


def enrolled(machine: Machine, sheet: SiteSheet, folder: Path, clock: Clock, words: Words) -> Seen:
    """Ask for the certificate; `folder` is the sheet's."""
    from appliance.enroll import work  # noqa: PLC0415 - only whoever enrols needs it
    from appliance.enroll.est import Waiting  # noqa: PLC0415
    from appliance.enroll.identity import common_name  # noqa: PLC0415
    from appliance.enroll.keep import Place  # noqa: PLC0415

    asked = sheet.enrol
    assert asked is not None
    mend = f"sudo callfloor enroll {asked.url}"
    try:
        code = asked.code if asked.code is not None else (folder / asked.code_file).read_text().strip() if asked.code_file else None
        if code is None:
            return Seen(item="enrol", outcome="away", evidence=words("seen.code"), mend=mend)
        ca = asked.ca.encode() if asked.ca is not None else (folder / asked.ca_file).read_bytes() if asked.ca_file else None
        name = common_name(sheet.site.name, sheet.site.box)
        issued = work.enrol(Place(machine.path(FOLDER)), name, asked.url, code, ca, clock)
    except Waiting:
        return Seen(item="enrol", outcome="away", evidence=words("seen.confirm"), mend=mend)
    except (CallfloorError, OSError) as fault:
        return Seen(item="enrol", outcome="away", evidence=str(fault), mend=mend)
    return Seen(item="enrol", outcome="ok", evidence=f"{issued.subject}, {issued.issuer}")
