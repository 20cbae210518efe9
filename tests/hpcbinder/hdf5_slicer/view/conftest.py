"""The views alone, compiled by TypeScript, in Node and on a bare page in Chromium."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
LAB = Path(__file__).parents[4] / "hpcbinder" / "lab"
ARTEFACTS = Path(__file__).parents[4] / "test-artefacts" / "screenshots" / "slicer-view"
VIEW = LAB / "src" / "slicer" / "view"
# Stricter than the extension's own: Node's modules, and no index taken for granted.
OPTIONS = {
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "noUnusedLocals": True,
    "noUnusedParameters": True,
    "target": "ES2021",
    "lib": ["ES2021", "DOM", "DOM.Iterable"],
    "types": [],
    "module": "commonjs",
    "moduleResolution": "node10",
}
# WebGL without a graphics card.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the views' modules, as Node's `require` takes them."""
    tsc = os.environ.get("TSC") or LAB / "node_modules" / ".bin" / "tsc"
    if not shutil.which(tsc):
        pytest.skip("the views are written in TypeScript; `make setup` installs its compiler")
    folder = tmp_path_factory.mktemp("view")
    project = {"compilerOptions": OPTIONS | {"outDir": str(folder)}, "include": [f"{VIEW}/*.ts"]}
    (folder / "tsconfig.json").write_text(json.dumps(project))
    done = subprocess.run([tsc, "-p", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="session")
def bundle(compiled: Path) -> str:
    """One script for a page: `views(name)` is a module."""
    modules = ",\n".join(
        f"{json.dumps('./' + path.stem)}: (exports, require) => {{\n{path.read_text()}\n}}"
        for path in sorted(compiled.glob("*.js"))
    )
    return (HERE / "bundle.js").read_text().replace("/* modules */", modules)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, bundle: str) -> Iterator[Callable[..., Page]]:
    """`open_page()`: a bare page with the views' modules and a source in memory."""
    contexts = []

    def make(
        scheme: str = "light", width: int = 1000, height: int = 720, **options: object
    ) -> Page:
        context = chromium.new_context(
            color_scheme=scheme, viewport={"width": width, "height": height}, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.set_content((HERE / "page.html").read_text())
        page.add_script_tag(content=bundle)
        page.add_script_tag(content=(HERE / "memory.js").read_text())
        return page

    yield make
    for context in contexts:
        for page in context.pages:
            assert page.errors == []
        context.close()


@pytest.fixture
def shoot(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """`shoot(page, "what is seen")`: screenshots to be looked at."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)

    def take(page: Page, what: str) -> None:
        page.screenshot(path=str(ARTEFACTS / f"{what.replace(' ', '-')}.png"))

    return take
