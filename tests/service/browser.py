"""A browser, as far as headers and cookies go: it logs in, follows links, asks what pages ask."""

from __future__ import annotations

import re
from typing import Any

import httpx
from service import stream
from service.hub import PASSWORD

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site", "Accept": "text/html"}
SERVICE = "/services/binder/"


class Browser:
    """One browser, in which nobody is logged in at first."""

    def __init__(self, url: str):
        self.url = url
        self.client = httpx.Client(base_url=url, follow_redirects=True, timeout=60)

    def follow(self, link: str, name: str = "alice") -> httpx.Response:
        """Follow a link, and log in if that is what comes."""
        page = self.client.get(link, headers=NAVIGATION)
        welcome = re.search(r'href="([^"]*/login\?next=[^"]*)"', page.text)
        if welcome:
            page = self.client.get(welcome[1].replace("&amp;", "&"), headers=NAVIGATION)
        form = re.search(r'action="([^"]*/hub/login[^"]*)"', page.text)
        if form is None:
            return page
        xsrf = re.search(r'name="_xsrf"\s+value="([^"]+)"', page.text)
        assert xsrf, page.text
        fields = {"username": name, "password": PASSWORD, "_xsrf": xsrf[1]}
        return self.client.post(form[1].replace("&amp;", "&"), data=fields, headers=NAVIGATION)

    @property
    def xsrf(self) -> str:
        """What a page of the service sends along."""
        return self.client.cookies.get("_xsrf", path=SERVICE) or ""

    def events(self, path: str, **headers: str) -> list[dict[str, Any]]:
        """What the service's event stream answers to a request with the browser's cookies."""
        found = []
        for _, event in stream.read(self.url + SERVICE + path, headers, self.client):
            found.append(event)
            if event["phase"] in stream.ENDS:
                break
        return found
