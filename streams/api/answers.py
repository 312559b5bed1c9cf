"""Failures as answers: what went wrong and what to do, as JSON or as a page."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.templating import Jinja2Templates
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from streams.views.base import CursorRefused, ViewUnavailable

__all__ = ["Failure", "answer_failures"]


class Failure(Exception):
    """An answer other than the one asked for: a status, what is wrong, what to do."""

    def __init__(self, status: int, error: str, remedy: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.remedy = remedy


def answer_failures(app: FastAPI, templates: Jinja2Templates) -> None:
    """Teach the application to answer each failure in the form that was asked for."""

    def answer(request: Request, status: int, error: str, remedy: str) -> Response:
        headers = {"retry-after": "2"} if status == 503 else None
        if request.url.path.startswith("/v1/") or _wants_json(request):
            return JSONResponse({"error": error, "do": remedy}, status, headers=headers)
        context = {"error": error, "remedy": remedy, "status": status}
        return templates.TemplateResponse(
            request, "failure.html", context, status_code=status, headers=headers
        )

    async def on_failure(request: Request, failure: Any) -> Response:
        return answer(request, failure.status, failure.error, failure.remedy)

    async def on_outage(request: Request, outage: Any) -> Response:
        return answer(request, 503, outage.message, outage.remedy)

    async def on_cursor(request: Request, refused: Any) -> Response:
        return answer(request, 400, f"cursor: {refused}.", "Ask again without a cursor.")

    async def on_query(request: Request, refused: Any) -> Response:
        wrong = "; ".join(f"{problem['loc'][-1]}: {problem['msg']}" for problem in refused.errors())
        return answer(request, 422, f"{wrong}.", "docs/api.md lists the parameters.")

    async def on_http(request: Request, refused: Any) -> Response:
        if refused.status_code == 404:
            return answer(request, 404, "There is nothing at this address.", "Begin at / .")
        return answer(request, refused.status_code, f"{refused.detail}.", "docs/api.md says how.")

    async def on_defect(request: Request, _: Exception) -> Response:
        return answer(request, 500, "This is a defect.", "The process's log has the details.")

    app.add_exception_handler(Failure, on_failure)
    app.add_exception_handler(ViewUnavailable, on_outage)
    app.add_exception_handler(CursorRefused, on_cursor)
    app.add_exception_handler(RequestValidationError, on_query)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_defect)


def _wants_json(request: Request) -> bool:
    return "text/html" not in request.headers.get("accept", "")
