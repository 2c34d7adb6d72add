"""Decides how a preview comes about on each medium: the terminal as it is, a chain dot by dot, the TV page through a real browser."""

from __future__ import annotations

import asyncio
import contextlib
import io
from pathlib import Path
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec

from appliance.cli.screen import checked_board
from appliance.cli.terminal import say
from appliance.core.clock import ManualClock
from appliance.core.config import Config, Tv
from appliance.core.errors import MisconfiguredError
from appliance.floor.snapshot import Snapshot
from wallboard.board import Board
from wallboard.board_set import BoardSet
from wallboard.layout import page_names
from wallboard.text import cleaned, plain, screens
from wallboard.words import words_of

#: The page has heard the floor and laid itself out.
_READY: Final = 'document.body?.dataset.stream === "live"'
_DOT_PX: Final = 8
_GAP_PX: Final = 16


class Preview:
    """One board over one floor at one instant."""

    def __init__(
        self, config: Config, boards: BoardSet, name: str, snapshot: Snapshot, now_wall_ns: int, language: str | None, page: str | None
    ) -> None:
        checked_board(boards, name)
        self._config, self._boards, self._name, self._snapshot, self._now_ns = config, boards, name, snapshot, now_wall_ns
        spec = boards.spec(name)
        self._language = language or (spec.language if spec else None) or config.site.language
        self._page = page
        names = (*page_names(spec), "link") if spec else ()
        if page is not None and page not in names:
            fault = f'the board {name} has no page "{page}"; there are {", ".join(names)}'
            raise MisconfiguredError(fault)

    @property
    def board(self) -> Board:
        """The view model; the page that was asked for stays."""
        board = self._boards.board(self._name, self._snapshot, self._now_ns, self._language)
        return msgspec.structs.replace(board, pin=self._page or board.pin)

    def text(self, width: int, height: int) -> int:
        """Every screen of the terminal, one below the other."""
        zone, words = ZoneInfo(self._config.site.timezone), words_of(self._language)
        for screen in screens(self.board, words, zone, self._now_ns, height, width):
            say("\n".join(plain(screen)))
            say("─" * width)
        return 0

    def sign(self) -> int:
        """What a sign would say, in its order."""
        from wallboard.sign.text import sign_text  # noqa: PLC0415 - only where a sign is asked for

        for line in sign_text(self.board).split("\n"):
            say(cleaned(line))
        return 0

    def led(self, width: int, height: int, output: Path | None) -> int:
        """Every picture that stands on a chain, in the terminal or as one PNG, one below the other; of what rolls its beginning.

        Raises MisconfiguredError for a size that no chain has.
        """
        from PIL import Image  # noqa: PLC0415 - a box without a chain has no Pillow

        from drivers.led_matrix import blocks_text  # noqa: PLC0415
        from drivers.led_url import checked_url  # noqa: PLC0415
        from wallboard.led.chain import as_it_shines  # noqa: PLC0415
        from wallboard.led.page import pages_from  # noqa: PLC0415
        from wallboard.led.scene import frame, side_by_side, starts_s  # noqa: PLC0415

        checked_url("sim:", width, height)
        pages = side_by_side(pages_from(self.board), width, height)
        images = [(page.key, frame(page, width, height, at_s)) for page in pages for at_s in starts_s(page, width, height)]
        if output is None:
            for key, image in images:
                say(f"{key}\n{blocks_text(image)}")
            return 0
        pitch_px = height * _DOT_PX + _GAP_PX
        sheet = Image.new("RGB", (width * _DOT_PX, len(images) * pitch_px), "#202020")
        for at, (_, image) in enumerate(images):
            sheet.paste(as_it_shines(image, pitch_px=_DOT_PX), (0, at * pitch_px))
        with io.BytesIO() as file:
            sheet.save(file, "PNG")
            _write(output, file.getvalue())
        say(f"{output}: {len(images)} pictures of {width} × {height}")
        return 0

    def tv(self, width: int, height: int, output: Path | None) -> int:
        """The page itself: as a picture, or served on loopback until Ctrl-C. Raises UnpluggedError where no browser can take
        one."""
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._serve(width, height, output))
        return 0

    async def _serve(self, width: int, height: int, output: Path | None) -> None:
        from appliance.cli.browser_shot import take  # noqa: PLC0415
        from wallboard.sample import HeldView  # noqa: PLC0415
        from wallboard.stream.feed import Feed  # noqa: PLC0415
        from wallboard.web.http import Server, open_server  # noqa: PLC0415 - aiohttp, for this medium alone

        view = HeldView(ManualClock(wall_ns=self._now_ns))
        view.held = self._snapshot
        tv = Tv(listen="127.0.0.1:0")
        server = Server(self._config, tv, Feed(view, view.clock, self._config.privacy), self._boards, view.clock, {})
        async with open_server(server, tv) as (host, port):
            asked = {"lang": self._language} | ({"page": self._page} if self._page else {})
            url = f"http://{host}:{port}/board/{self._name}?{urlencode(asked)}"
            if output is None:
                say(f"{url}   (until Ctrl-C)")
                await asyncio.Event().wait()
            else:
                picture = await take(url, _READY, width, height)
                await asyncio.to_thread(_write, output, picture)
                say(f"{output}: {width} × {height}")


def _write(output: Path, picture: bytes) -> None:
    try:
        output.write_bytes(picture)
    except OSError as error:
        fault = f"{output}: the picture cannot be written ({error.strerror}); name another file with -o"
        raise MisconfiguredError(fault) from error
