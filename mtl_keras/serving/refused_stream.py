"""Answers to streams that are refused, which MLServer leaves to the server's last resort."""

from typing import Any

from mlserver.errors import MLServerError
from starlette.responses import JSONResponse


class RefusedStream:
    """ASGI middleware that answers a stream's wrong request as any other one is answered.

    A stream's status is decided before its first part is known. As long as nothing of it has been
    sent, an error can still be told with its own status and sentence.

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
        except RuntimeError as error:  # Starlette's, of a response that was begun
            refused = error.__cause__
            if sent or not isinstance(refused, MLServerError):
                raise
            response = JSONResponse({"error": str(refused)}, refused.status_code)
            await response(scope, receive, send)
