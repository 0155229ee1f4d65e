"""Style sheet, icons and modules: in memory, compressed once, under an address that changes with their content.

All of them share one address prefix, the hash of the whole folder. So a module can import its neighbour by a relative path and still be
cached for a year: whatever changes, the prefix changes for everything.
"""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response

from ingestio.errors import NotFound

FOLDER = Path(__file__).resolve().parent.parent / "static"
_FOR_EVER = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    media_type: str
    plain: bytes
    compressed: bytes


class Assets:
    """The files of the static folder, read when the process starts."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _asset(path) for path in sorted(folder.rglob("*")) if path.is_file()
        }
        digest = hashlib.sha256()
        for name, asset in self._files.items():
            digest.update(f"{name}\0{len(asset.plain)}\0".encode() + asset.plain)
        self.version = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """Where a file is served. Raises KeyError for one that is not there, so that no page points into the void."""
        self._files[name]
        return f"/static/{self.version}/{name}"

    def answer(self, version: str, name: str, *, gzipped: bool) -> Response:
        """The file. A page of an earlier version gets today's, uncached. Raises NotFound."""
        asset = self._files.get(name)
        if asset is None:
            raise NotFound("There is nothing at this address.")
        headers = {"Cache-Control": _FOR_EVER if version == self.version else "no-cache", "Vary": "Accept-Encoding"}
        if gzipped:
            headers["Content-Encoding"] = "gzip"
        return Response(asset.compressed if gzipped else asset.plain, media_type=asset.media_type, headers=headers)


def _asset(path: Path) -> Asset:
    plain = path.read_bytes()
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Asset(media_type, plain, gzip.compress(plain, mtime=0))


def assets_router(assets: Assets) -> APIRouter:
    """The address of the files, and of the icon that browsers ask for by themselves."""
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{version}/{name:path}")
    async def read_asset(version: str, name: str, request: Request) -> Response:
        return assets.answer(version, name, gzipped=_takes_gzip(request))

    @router.get("/favicon.ico")
    async def read_favicon(request: Request) -> Response:
        return assets.answer("", "favicon.svg", gzipped=_takes_gzip(request))

    return router


def _takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")
