"""Decides how a simulated floor is sent to somebody's own broker: how one gets in, and a name that no CRM takes for a real box's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.core.errors import MisconfiguredError
from appliance.core.slug import is_key

SITE: Final = "demo"
#: How the name of a box begins whose floor is simulated and whose CRM is not.
SIMULATED: Final = "simulated"


class Abroad(Struct, frozen=True, kw_only=True):
    """A broker of somebody's own, how one gets in, and under what name: a box that is simulated has a name that says so."""

    url: str
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    site: str = SITE
    box: str = SIMULATED

    def rows(self) -> str:
        """As [crm] has them. Raises MisconfiguredError for a name that does not say that the box is simulated."""
        if not (is_key(self.box) and is_key(self.site) and self.box.startswith(SIMULATED)):
            raise MisconfiguredError(
                f'--site {self.site} --box {self.box}: lower-case letters, digits and "-", and the box\'s name begins with {SIMULATED}, '
                "so that no CRM takes it for a real one"
            )
        files = {"ca_file": self.ca_file, "cert_file": self.cert_file, "key_file": self.key_file, "password_file": self.password_file}
        missing = [f"--{key.replace('_', '-')} {path}" for key, path in files.items() if path is not None and not path.is_file()]
        if missing:
            raise MisconfiguredError(f"{', '.join(missing)}: there is no such file")
        named = {key: str(path.absolute()) for key, path in files.items() if path is not None}
        if self.username is not None:
            named["username"] = self.username
        return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in named.items())
