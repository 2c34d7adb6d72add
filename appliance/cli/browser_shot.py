"""Decides how a picture of a page comes about: a headless Chromium that waits until the page has its data, over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from appliance.core.errors import TransientError, UnpluggedError

_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--force-color-profile=srgb", "--disable-extensions",
    "--remote-debugging-port=0",
)  # fmt: skip
#: A Pi needs half a minute to start a browser.
_WITHIN_S: Final = 90
_LOOK_EVERY_S: Final = 0.1
#: After its first data a page asks for its lines of the last hour.
_SETTLES_S: Final = 1.0


def find_browser() -> str:
    """The browser's path. Raises UnpluggedError where there is none."""
    for name in _BROWSERS:
        if path := shutil.which(name):
            return path
    fault = "no Chromium on this machine to take the picture; install chromium, or leave -o out and open the page yourself"
    raise UnpluggedError(fault)


async def take(url: str, ready: str, width: int, height: int) -> bytes:
    """A PNG of the page at `url`, once the JavaScript expression `ready` is true there. Raises UnpluggedError, TransientError."""
    path = find_browser()
    try:
        async with asyncio.timeout(_WITHIN_S):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
                async with _running(path, profile) as port:
                    return await _picture(port, url, ready, width, height)
    except (TimeoutError, OSError, KeyError, ValueError) as error:
        fault = f"Chromium took no picture of {url} ({error or 'it took too long'}); try again, or leave -o out and open the page yourself"
        raise TransientError(fault) from error


@asynccontextmanager
async def _running(path: str, profile: str) -> AsyncIterator[int]:
    """A browser of its own; yields the port of its DevTools."""
    nowhere = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        path, *_FLAGS, f"--user-data-dir={profile}", "about:blank", stdout=nowhere, stderr=nowhere
    )
    stamp = Path(profile) / "DevToolsActivePort"
    try:
        while process.returncode is None and "\n" not in await asyncio.to_thread(_read, stamp):  # noqa: ASYNC110 - another process's file
            await asyncio.sleep(_LOOK_EVERY_S)
        if process.returncode is not None:
            fault = f"it ended by itself, with {process.returncode}"
            raise ConnectionError(fault)
        yield int((await asyncio.to_thread(_read, stamp)).split("\n")[0])
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _read(stamp: Path) -> str:
    return stamp.read_text(encoding="ascii") if stamp.exists() else ""


async def _picture(port: int, url: str, ready: str, width: int, height: int) -> bytes:
    import aiohttp  # noqa: PLC0415 - for a picture alone

    async with aiohttp.ClientSession() as session:
        async with session.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
            page = await answer.json()
        async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=64 * 1024**2) as socket:

            async def call(number: int, method: str, **params: Any) -> dict[str, Any]:
                await socket.send_str(json.dumps({"id": number, "method": method, "params": params}))
                async for message in socket:
                    said: dict[str, Any] = json.loads(message.data)
                    if said.get("id") == number:
                        result: dict[str, Any] = said["result"]
                        return result
                raise ConnectionError("it ended")

            await call(1, "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
            await call(2, "Page.enable")
            await call(3, "Page.navigate", url=url)
            number = 4
            while not (await call(number, "Runtime.evaluate", expression=ready, returnByValue=True))["result"].get("value"):
                number += 1
                await asyncio.sleep(_LOOK_EVERY_S)
            await asyncio.sleep(_SETTLES_S)
            return base64.b64decode((await call(number + 1, "Page.captureScreenshot", format="png"))["data"])
