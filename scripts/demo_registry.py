"""A registry on loopback that stands for the internet in `make demo`: it gives out the images that it was made with."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from tests.made_images import INDEX, MadeImage

_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs|tags|referrers)/(?P<what>[^/?]+)(?:\?.*)?")


class DemoRegistry:
    """`images` are {repository: {tag: image}}. Serves on `address` while its context lasts."""

    def __init__(self, images: Mapping[str, Mapping[str, MadeImage]]) -> None:
        registry = self
        self.images = images

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, media_type, content, digest = registry.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(content)))
                if digest:
                    self.send_header("Docker-Content-Digest", digest)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_HEAD = do_GET  # noqa: N815 - the base class asks for it by this name

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Nothing: the demo speaks."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> tuple[int, str, bytes, str]:
        """(status, media type, content, digest) of a GET."""
        match = _PATH.fullmatch(path)
        tags = self.images.get(match["name"], {}) if match else {}
        if path == "/v2/":
            return 200, "application/json", b"{}", ""
        if match and tags and match["kind"] == "tags":
            return 200, "application/json", json.dumps({"name": match["name"], "tags": list(tags)}).encode(), ""
        for tag, image in tags.items():
            what = image.digest if match and match["what"] == tag else match["what"] if match else ""
            if match and match["kind"] == "manifests" and what in image.manifests:
                return 200, *image.manifests[what], what
            if match and match["kind"] == "blobs" and what in image.blobs:
                return 200, "application/octet-stream", image.blobs[what], what
            if match and match["kind"] == "referrers" and image.signature and what == image.digest:
                return 200, INDEX, _listed(image), ""
        if match and tags and match["kind"] == "referrers":
            return 200, INDEX, json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode(), ""
        body = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "not here"}]}
        return 404, "application/json", json.dumps(body).encode(), ""


def _listed(image: MadeImage) -> bytes:
    media_type, content = image.manifests[image.signature]
    entry = {
        "mediaType": media_type,
        "digest": image.signature,
        "size": len(content),
        "artifactType": json.loads(content)["artifactType"],
    }
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
