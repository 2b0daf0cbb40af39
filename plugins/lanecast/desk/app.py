"""The desk's FastAPI application. Each of its routes, the OpenAPI document among them, asks for the user first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from lanecast import __version__
from lanecast.delivery.promise import NoPromise
from lanecast.desk import pages, promising, quality, recommending
from lanecast.desk.promising import Answer, Asked, Given
from lanecast.desk.quality import Quality
from lanecast.desk.recommending import Beside, Customer, HowMany, Product, Recommended, Wanted
from lanecast.report import page, reading
from lanecast.report.content import Report
from lanecast.report.reading import UnknownRun
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.snapshot import Unavailable

PREFIX = "/lanecast"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    401: {"description": "Nobody is signed in."},
    403: {"description": "The user may not read this."},
    503: {"description": "The warehouse can't be read; `remedy` says what to do."},
}
_REFUSED: dict[int | str, dict[str, Any]] = {422: {"description": "The question can't be answered as put."}}
_UNKNOWN_RUN = "Choose a run on the quality page. In an address, an id's + is written %2B."
_REMEDIES = {
    403: "Reload the page to sign in again. If it stays so, your role in Airflow may not see its pages.",
    404: "The desk has no such page.",
}


def create_app(user: Callable[..., Any], address: Callable[[], str] = warehouse.dsn) -> FastAPI:
    """The application, to be mounted at PREFIX.

    `user` is the dependency that lets a user in, or raises HTTPException with status 401 or 403. `address` gives the
    warehouse's address, or raises NoWarehouse; it is called for each request, so that the desk starts without one.
    """
    # Given to the application, the dependency guards what is added as a route; FastAPI's own pages for the document
    # would stay open, hence none of them.
    app = FastAPI(
        title="Lanecast desk",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(user)],
    )

    @app.get("/", include_in_schema=False)
    def start() -> Response:
        return RedirectResponse("quality", headers=_HEADERS)

    @app.get("/quality", include_in_schema=False)
    def quality_page(request: Request) -> Response:
        return _page(pages.quality_page(quality.read(address), _is_alone(request)))

    @app.get("/api/quality", summary="Loads, unknown status codes and carriers", responses=_RESPONSES)
    def quality_data(response: Response) -> Quality:
        response.headers.update(_HEADERS)
        return quality.read(address)

    @app.get("/quality/run", include_in_schema=False)
    def report_page(request: Request, run: str) -> Response:
        return _page(page.report_page(reading.read(address, run), _is_alone(request)))

    @app.get(
        "/api/quality/run",
        summary="The quality report of one run",
        responses=_RESPONSES | {404: {"description": "There is no such run; `remedy` says how to find one."}},
    )
    def report_data(response: Response, run: Annotated[str, Query(description="The run's id.")]) -> Report:
        response.headers.update(_HEADERS)
        return reading.read(address, run)

    @app.get("/api/promise", summary="When a parcel will arrive", responses=_RESPONSES | _REFUSED)
    def promise(response: Response, asked: Annotated[Asked, Query()]) -> Answer:
        response.headers.update(_HEADERS)
        return promising.answer(address, asked)

    @app.post("/api/promise", summary="Promise it to an order or a parcel", responses=_RESPONSES | _REFUSED)
    def issue(response: Response, given: Given) -> Answer:
        response.headers.update(_HEADERS)
        return promising.give(address, given)

    @app.get("/api/recommendations/customer/{key}", summary="What to show a customer", responses=_RESPONSES)
    def to_customer(response: Response, key: Customer, asked: Annotated[Wanted, Query()]) -> Recommended:
        response.headers.update(_HEADERS)
        return recommending.to_customer(address, key, asked)

    @app.get("/api/recommendations/visitor", summary="What to show somebody new", responses=_RESPONSES)
    def to_visitor(response: Response, asked: Annotated[Wanted, Query()]) -> Recommended:
        response.headers.update(_HEADERS)
        return recommending.to_customer(address, None, asked)

    # a product's id may have a slash in it
    @app.get("/api/recommendations/product/{product:path}", summary="What is bought together", responses=_RESPONSES)
    def beside_product(response: Response, product: Product, how_many: HowMany = 20) -> Beside:
        response.headers.update(_HEADERS)
        return recommending.beside_product(address, product, how_many)

    @app.get("/api/openapi.json", include_in_schema=False)
    def document(request: Request) -> Response:
        told = app.openapi() | {"servers": [{"url": request.scope.get("root_path", "")}]}
        return JSONResponse(told, headers=_HEADERS)

    def problem(request: Request, title: str, told: str, remedy: str, status: int) -> Response:
        if _wants_page(request):
            return _page(pages.problem_page(title, told, remedy, _is_alone(request), _up(request)), status)
        return JSONResponse({"detail": told, "remedy": remedy}, status, _HEADERS)

    @app.exception_handler(Unavailable)
    def unavailable(request: Request, error: Unavailable) -> Response:
        return problem(request, "Not available", error.problem, error.remedy, 503)

    @app.exception_handler(UnknownRun)
    def unknown(request: Request, error: UnknownRun) -> Response:
        return problem(request, "No such run", f"{str(error)[:1].upper()}{str(error)[1:]}.", _UNKNOWN_RUN, 404)

    @app.exception_handler(NoPromise)
    def no_promise(request: Request, error: NoPromise) -> Response:
        told, _, remedy = str(error).partition(". ")
        return JSONResponse({"detail": told, "remedy": remedy}, 422, _HEADERS)

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        headers = _HEADERS | dict(error.headers or {})
        if not _wants_page(request):
            return JSONResponse({"detail": error.detail}, error.status_code, headers)
        if error.status_code == 401:
            # Airflow's own address for signing in, whoever manages its users; it leads back here.
            root = request.scope.get("root_path", "").removesuffix(PREFIX)
            asked = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
            return RedirectResponse(f"{root}/api/v2/auth/login?{urlencode({'next': asked})}", 302, headers=_HEADERS)
        remedy = _REMEDIES.get(error.status_code, "")
        title = f"Error {error.status_code}"
        page = pages.problem_page(title, str(error.detail), remedy, _is_alone(request), _up(request))
        return _page(page, error.status_code)

    return app


def _page(text: str, status: int = 200) -> Response:
    return HTMLResponse(text, status, _HEADERS | {"Content-Security-Policy": page.content_policy()})


def _is_alone(request: Request) -> bool:
    """Whether the browser says that the page stands alone, and not in a frame of Airflow's."""
    return request.headers.get("sec-fetch-dest") == "document"


def _path(request: Request) -> str:
    """The address below the desk's prefix."""
    return str(request.scope["path"]).removeprefix(request.scope.get("root_path", ""))


def _up(request: Request) -> str:
    """The way from a page's address to the desk's start."""
    return "../" * (_path(request).count("/") - 1)


def _wants_page(request: Request) -> bool:
    """Whether a browser asks for a page; programs get JSON."""
    return (
        request.method in {"GET", "HEAD"}
        and not _path(request).startswith("/api/")
        and "text/html" in request.headers.get("accept", "")
    )
