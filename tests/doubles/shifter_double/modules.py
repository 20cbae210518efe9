"""Site modules: which are asked for, and whether they go together (contract 2 and 7)."""

from .config import Config, Settings
from .errors import DoubleError

Modules = dict[str, Settings]


def select_modules(config: Config, request: str | None) -> Modules:
    """Resolve `a,b`; None means the site's default, `none` means none at all."""
    if request is None:
        request = config.text("defaultModules")
    names = [name.strip() for name in request.split(",") if name.strip()]
    if names == ["none"]:
        return {}
    chosen: Modules = {}
    for name in names:
        module = config.modules.get(name)
        if module is None or not module.flag("enabled", "1"):
            raise DoubleError(
                f"Unknown shifter module: {name}\nInvalid shifter module selection: {request}"
            )
        chosen[name] = module
    _refuse_conflicts(chosen)
    return chosen


def _refuse_conflicts(chosen: Modules) -> None:
    for name, module in chosen.items():
        for other in module.words("conflict", r"[\s,]+"):
            if other in chosen and other != name:
                raise DoubleError(f"ERROR: cannot load conflicting modules {name} and {other}")
