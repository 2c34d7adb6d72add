"""Decides whether the box has a certificate of the CRM's, how the configuration names it, and whether one is to be asked for."""

from __future__ import annotations

from typing import Any, Final

from appliance.provision.machine import Machine
from appliance.provision.site import SiteSheet
from appliance.provision.step import Step

FOLDER: Final = "/var/lib/callfloor/tls"


def has_certificate(machine: Machine) -> bool:
    """Whether one was issued to this box."""
    return machine.path(f"{FOLDER}/box.pem").is_file()


def step(machine: Machine, sheet: SiteSheet) -> Step | None:
    """The step, while the box has none; None: nothing is to be asked for, or not here."""
    if sheet.enrol is None or not machine.live or has_certificate(machine):
        return None
    return Step(name="enrol", about={"url": sheet.enrol.url}, acts=True)


def named(machine: Machine, sheet: SiteSheet) -> dict[str, Any]:
    """What [crm] says of a certificate that is there: the link takes up its renewals by itself."""
    if sheet.crm is None or sheet.enrol is None or not has_certificate(machine):
        return {}
    told = {"cert_file": f"{FOLDER}/box.pem", "key_file": f"{FOLDER}/box.pem"}
    # An authority that the sheet names is the technician's word; without it the one that came with the certificate vouches for the broker.
    if sheet.crm.ca is None and sheet.crm.ca_file is None and machine.path(f"{FOLDER}/ca.pem").is_file():
        told["ca_file"] = f"{FOLDER}/ca.pem"
    return {"crm": told}
