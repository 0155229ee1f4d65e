"""Templates, and the headers that every page is sent with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from api.web import figures
from api.web.assets import Assets
from api.web.words import WORDS

FOLDER = Path(__file__).resolve().parent.parent / "templates"
THEMES = ("light", "dark")
# Nothing inline and nothing from elsewhere: an injected script, style or form has nowhere to come from and nowhere to go.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class Renderer:
    """Turns a template and what it shows into an answer."""

    def __init__(self, assets: Assets) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals |= WORDS | {"static": assets.url}
        self._environment.filters |= {
            "number": figures.number,
            "count": figures.count,
            "size": figures.size,
            "duration": figures.duration,
            "wait": figures.wait,
            "moment": figures.moment,
            "day": figures.day,
            "date": figures.calendar_day,
        }

    def page(
        self,
        request: Request,
        template: str,
        *,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        **shown: Any,
    ) -> HTMLResponse:
        """The page as an answer. `shown` is what the template names."""
        theme = request.cookies.get("theme")
        html = self._environment.get_template(template).render(
            **shown,
            theme=theme if theme in THEMES else None,
            path=request.url.path,
            query=request.url.query,
        )
        kept = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        return HTMLResponse(html, status_code=status_code, headers=kept | dict(headers or {}))
