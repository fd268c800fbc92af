"""The pictures of the examples over the server, so that a canvas shows them before the first run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web
from server import PromptServer

PATH = "/sdedit/example"


def serve_examples(picture: Callable[[str, str, int, int], bytes]) -> None:
    """Answer requests for ``picture(name, output, width, height)``, a JPEG file; 400 with words where it is refused."""
    server = getattr(PromptServer, "instance", None)  # none where ComfyUI's nodes are loaded without a server
    if server is None:
        return

    @server.routes.get(PATH)
    async def answer(request: web.Request) -> web.Response:
        asked = request.rel_url.query
        try:
            sides = int(asked.get("width", 256)), int(asked.get("height", 256))
            data = await asyncio.to_thread(picture, asked.get("name", ""), asked.get("output", "guide"), *sides)
        except ValueError as problem:
            return web.Response(status=400, text=str(problem))
        return web.Response(body=data, content_type="image/jpeg", headers={"Cache-Control": "max-age=3600"})
