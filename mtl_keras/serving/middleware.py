"""ASGI middleware for requests over HTTP that MLServer does not refuse itself."""

import zlib
from typing import Any

from mlserver.errors import MLServerError
from starlette.responses import JSONResponse

MEGABYTE = 2**20
PACKING = (b"content-encoding", b"content-length")


class LimitedBody:
    """Answers 413 if the body of a request is too large, before it is parsed.

    MLServer itself has a limit for gRPC only.
    Bodies with gzip are decompressed here, because a small one may become large.

    Args:
        app: The application.
        most: The largest body, in bytes.
    """

    def __init__(self, app: Any, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        codings = [value for name, value in scope["headers"] if name == b"content-encoding"]
        packed = b"gzip" in (coding.strip().lower() for coding in codings)  # as MLServer asks
        body, more = bytearray(), True
        inflate = zlib.decompressobj(wbits=31)
        while more and len(body) <= self._most:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            part, more = message.get("body", b""), message.get("more_body", False)
            try:
                body += inflate.decompress(part, self._most + 1) if packed else part
            except zlib.error as error:
                problem = JSONResponse({"error": f"The body is not gzip: {error}."}, 400)
                await problem(scope, receive, send)
                return
        if len(body) > self._most:
            large = (
                f"The request is larger than {self._most / MEGABYTE:.3g} MB. Send fewer rows at "
                "once, or raise the limit of the server (--largest-request)."
            )
            await JSONResponse({"error": large}, 413)(scope, receive, send)
            return
        if packed:
            scope = {**scope, "headers": [h for h in scope["headers"] if h[0] not in PACKING]}
        whole = iter([{"type": "http.request", "body": bytes(body), "more_body": False}])

        async def replay() -> Any:
            return next(whole, None) or await receive()

        await self._app(scope, replay, send)


class RefusedStream:
    """Answers an invalid streaming request like any other, which MLServer leaves to the web server.

    The status of a stream is decided before its first part is known. As long as nothing has been
    sent, an error can still be reported with its own status and message.

    Args:
        app: The application.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        sent = False

        async def sending(message: Any) -> None:
            nonlocal sent
            sent = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except RuntimeError as error:  # raised by Starlette if the response has begun
            refused = error.__cause__
            if sent or not isinstance(refused, MLServerError):
                raise
            response = JSONResponse({"error": str(refused)}, refused.status_code)
            await response(scope, receive, send)
