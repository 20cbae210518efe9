"""A double of the archives: an HTTP server that says what theirs are documented to say.

Each function puts one record up, in the shape of the archive's public API:

- Zenodo: https://developers.zenodo.org and InvenioRDM's REST API (records, files);
- Figshare: https://docs.figshare.com (public articles, versions, their files);
- Dataverse: https://guides.dataverse.org, the native and the data access API;
- HydroShare: https://www.hydroshare.org/hsapi (scimeta, files);
- CKAN: https://docs.ckan.org, the action API (package_show, activity_data_show);
- Software Heritage: https://archive.softwareheritage.org/api (vault, release).
"""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One answer."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Internet:
    """A server for everything, each archive below a path of its own."""

    url: str = ""
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[Message] = field(default_factory=list)

    def says(self, path: str, *answers: Reply | bytes | dict[str, Any] | list[Any]) -> None:
        """What is at a path: one answer after the other, the last one for good."""
        self.replies[path] = [_reply(answer) for answer in answers]

    def reply_to(self, method: str, path: str, headers: Message) -> Reply:
        """The next answer."""
        self.asked.append(f"{method} {path}")
        self.headers.append(headers)
        waiting = self.replies.get(path, [Reply(status=404)])
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


def _reply(answer: Reply | bytes | dict[str, Any] | list[Any]) -> Reply:
    if isinstance(answer, Reply):
        return answer
    return Reply(answer if isinstance(answer, bytes) else json.dumps(answer).encode())


@contextmanager
def serve() -> Iterator[Internet]:
    """The server, on a port of its own."""
    internet = Internet()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply = internet.reply_to(self.command, self.path, self.headers)
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the tests say what went wrong."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    internet.url = f"http://127.0.0.1:{server.server_port}"
    yield internet
    server.shutdown()
    server.server_close()


def moved(target: str) -> Reply:
    """A redirect."""
    return Reply(status=302, headers={"Location": target})


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def zenodo(internet: Internet, record: int, files: dict[str, bytes]) -> None:
    """A published record."""
    api = f"/zenodo/api/records/{record}"
    about = {
        "id": record,
        "conceptrecid": str(record - 1),
        "created": "2019-06-10T08:01:02.5+00:00",
    }
    internet.says(api, about)
    entries = [
        {
            "key": name,
            "size": len(content),
            "checksum": f"md5:{md5(content)}",
            "links": {"content": f"{internet.url}{api}/files/{name}/content"},
        }
        for name, content in files.items()
    ]
    internet.says(f"{api}/files", {"enabled": True, "entries": entries})
    for name, content in files.items():
        internet.says(f"{api}/files/{name}/content", content)


def figshare(internet: Internet, article: int, version: int, files: dict[str, bytes]) -> None:
    """A published version of an article, which becomes the latest."""
    about = {"id": article, "version": version, "published_date": "2019-09-08T07:06:05Z"}
    listed = []
    for number, (name, content) in enumerate(files.items()):
        path = f"/figshare/files/{article}/{number}"
        internet.says(path, moved(f"{internet.url}/storage/{article}/{number}?signature=abc"))
        internet.says(f"/storage/{article}/{number}?signature=abc", content)
        listed.append(
            {
                "id": number,
                "name": name,
                "size": len(content),
                "is_link_only": False,
                "download_url": internet.url + path,
                "supplied_md5": "",
                "computed_md5": md5(content),
            }
        )
    api = f"/figshare/articles/{article}"
    internet.says(api, about)
    internet.says(f"{api}/versions/{version}", about)
    internet.says(f"{api}/versions/{version}/files?page=1&page_size=100", listed)


def dataverse(internet: Internet, doi: str, files: list[dict[str, Any]]) -> None:
    """A dataset's latest version, and its DOI."""
    page = f"{internet.url}/dataverse/dataset.xhtml?persistentId=doi:{doi}"
    internet.says(f"/doi/{doi}", moved(f"{internet.url}/dataverse/citation?persistentId=doi:{doi}"))
    internet.says(f"/dataverse/citation?persistentId=doi:{doi}", moved(page))
    version = {
        "datasetPersistentId": f"doi:{doi}",
        "versionNumber": 2,
        "versionMinorNumber": 1,
        "releaseTime": "2020-01-02T03:04:05Z",
        "files": files,
    }
    dataset = {"status": "OK", "data": {"id": 7, "latestVersion": version}}
    internet.says(f"/dataverse/api/datasets/:persistentId/?persistentId=doi:{doi}", dataset)


def hydroshare(internet: Internet, resource: str, files: dict[str, bytes]) -> None:
    """A public resource. Its list of files comes in pages of one."""
    api = f"/hydroshare/hsapi/resource/{resource}"
    dates = [
        {"type": "created", "start_date": "2018-01-01T00:00:00Z"},
        {"type": "modified", "start_date": "2021-03-04T05:06:07.89Z"},
    ]
    internet.says(f"{api}/scimeta/elements", {"title": "A resource", "dates": dates})
    pages = [f"{api}/files/", *(f"{api}/files/?page={n}" for n in range(2, len(files) + 1))]
    nexts = [*(internet.url + page for page in pages[1:]), None]
    for page, following, (name, content) in zip(pages, nexts, files.items(), strict=True):
        path = f"/hydroshare/resource/{resource}/data/contents/{name}"
        internet.says(path, content)
        result = {"file_name": name, "url": internet.url + path, "size": len(content)}
        internet.says(page, {"count": len(files), "next": following, "results": [result]})


def ckan(internet: Internet, dataset: str, resources: list[dict[str, Any]], *, at: str) -> str:
    """A dataset as it was at a time. Its page's address."""
    package = {"id": f"id-of-{dataset}", "metadata_modified": at, "resources": resources}
    answer = {"success": True, "result": package}
    internet.says(f"/data/api/3/action/package_show?id={dataset}", answer)
    return f"{internet.url}/data/dataset/{dataset}"


def heritage(internet: Internet, swhid: str, bundle: bytes) -> None:
    """An object that the vault prepares while one waits."""
    api = f"/heritage/api/1/vault/git-bare/{swhid}/"
    internet.says(api, {"status": "new"}, {"status": "done", "fetch_url": f"{api}raw/"})
    internet.says(f"{api}raw/", bundle)
