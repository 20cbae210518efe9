"""How the tools (start command, JupyterLab, Dask) get into images that are not made from our base.

The base image carries them below ``/srv/hpcbinder/tools``, with the script that installs them.
"""

from __future__ import annotations

from hpcbinderhub.builds.assembly import Assembly, Copy, Run
from hpcbinderhub.images.bills.lock import Lock, conda_steps

TOOLS = "/srv/hpcbinder/tools"
ADD_TOOLS = f"{TOOLS}/add-tools.sh"


def appendix(base_image: str, lock: Lock | None = None) -> str:
    """What repo2docker's own build packs append to their Dockerfile.

    Environments of conda are brought to what a lock says, if there is one. The tools go into
    repo2docker's one environment. HOME moves below /srv, since engines hide /home; the link that is
    left there serves steps that wrote the old path down.
    """
    return f"""USER root
{conda_steps(lock)}COPY --from={base_image} {TOOLS} {TOOLS}
RUN sh {ADD_TOOLS} conda
ENV HOME=/srv/home
ENV PATH=/srv/home/.local/bin:${{PATH}}
USER ${{NB_USER}}
"""


def second_step(image: str, base_image: str) -> Assembly:
    """The tools, added to an image that a repository's own Dockerfile made."""
    return Assembly(
        base=image,
        steps=(
            Copy(target=TOOLS, source=TOOLS, from_image=base_image),
            Run(user="0", arguments=("sh", ADD_TOOLS)),
        ),
    )
