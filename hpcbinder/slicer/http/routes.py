"""Where everything is."""

from __future__ import annotations

from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join

from .growth import GrowthHandler
from .handlers import DescriptionHandler, OperationHandler, Served
from .openapi import openapi
from .operations import GROWTH, OPERATIONS
from .peers import H5GROVE, HDF, H5groveHandler, HdfHandler

HERE = "hpcbinder/slicer"
Route = tuple[str, type[APIHandler], dict[str, Any]]


def routes(base_url: str, served: Served) -> list[Route]:
    """For Tornado."""
    here = url_path_join(base_url, HERE)
    description = openapi((*OPERATIONS, GROWTH), here)
    found: list[Route] = [
        (f"{here}/{each.path}", OperationHandler, {"served": served, "operation": each})
        for each in OPERATIONS
    ]
    found.append(
        (
            rf"{here}/openapi\.json",
            DescriptionHandler,
            {"served": served, "description": description},
        )
    )
    found.append((f"{here}/{GROWTH.path}", GrowthHandler, {"served": served}))
    return [*found, *_peers(base_url, served)]


def _peers(base_url: str, served: Served) -> list[Route]:
    """At the addresses that other projects' viewers know, below the server's own."""
    h5grove = url_path_join(base_url, f"h5grove/({'|'.join(H5GROVE)})/?")
    hdf = url_path_join(base_url, f"hdf/({'|'.join(HDF)})/(.+)")
    return [(h5grove, H5groveHandler, {"served": served}), (hdf, HdfHandler, {"served": served})]
