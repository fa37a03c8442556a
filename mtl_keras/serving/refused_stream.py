"""Error responses to streams, which MLServer leaves to the web server."""

from typing import Any

from mlserver.errors import MLServerError
from starlette.responses import JSONResponse


class RefusedStream:
    """ASGI middleware that answers an invalid streaming request like any other request.

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
