"""The pictures of the examples over the server, so that a canvas shows them before the first run."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

PATH = "/sdedit/example"


def serve_examples(picture: Callable[[str, str, int, int], bytes]) -> None:
    """Answer requests for ``picture(name, output, width, height)``, a JPEG file; 400 with words where it is refused."""
    # ComfyUI has loaded it by now; where its nodes are used without a server it would be loaded for nothing, or fail
    server = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
    if server is None:
        return
    from aiohttp import web

    @server.routes.get(PATH)
    async def answer(request: web.Request) -> web.Response:
        asked = request.rel_url.query
        try:
            sides = int(asked.get("width", 256)), int(asked.get("height", 256))
            data = await asyncio.to_thread(picture, asked.get("name", ""), asked.get("output", "guide"), *sides)
        except ValueError as problem:
            return web.Response(status=400, text=str(problem))
        return web.Response(body=data, content_type="image/jpeg", headers={"Cache-Control": "max-age=3600"})
