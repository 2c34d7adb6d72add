"""The driver's side of a rig: opens the chain of a URL and does what its standard input says, one JSON line each; answers each line."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack

from PIL import Image

from appliance.core.errors import CallfloorError
from drivers.led_matrix import open_matrix


def main() -> None:
    stack, matrix = ExitStack(), None
    for line in sys.stdin:
        verb, *rest = json.loads(line)
        try:
            if verb == "open":
                matrix = stack.enter_context(open_matrix(*rest))
            elif verb == "close":
                stack.close()
            elif verb == "show":
                rows = rest[0]
                image = Image.new("L", (len(rows[0]), len(rows)))
                image.putdata([int(dot) for row in rows for dot in row])
                matrix.show(image)
            elif verb == "brightness":
                matrix.brightness(rest[0])
            elif verb == "again":
                matrix.again()
            answer = {"ok": True}
        except CallfloorError as fault:
            answer = {"fault": type(fault).__name__, "text": str(fault)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
