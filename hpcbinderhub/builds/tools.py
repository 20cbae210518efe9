"""How the tools (start command, JupyterLab, Git) get into images that are not made from our base.

The base image carries them below ``/srv/hpcbinder``, with an interpreter that runs anywhere. What
``add-tools.py`` does with them and with the image's own Python, it says itself.
"""

from __future__ import annotations

import json

from hpcbinderhub.builds.assembly import Assembly, Copy, Run
from hpcbinderhub.images.bills.lock import Lock, conda_steps

TOOLS = "/srv/hpcbinder/tools"
ENVIRONMENT = "/srv/hpcbinder/env"
ADD_TOOLS = (f"{TOOLS}/python/bin/python3", "-I", f"{TOOLS}/add-tools.py")


def appendix(base_image: str, lock: Lock | None = None) -> str:
    """What repo2docker's own build packs append to their Dockerfile.

    Environments of conda are brought to what a lock says, if there is one. HOME moves below /srv,
    since engines hide /home; the link that is left there serves steps that wrote the old path down.
    """
    return f"""USER root
{conda_steps(lock)}COPY --from={base_image} {TOOLS} {TOOLS}
COPY --from={base_image} {ENVIRONMENT} {ENVIRONMENT}
RUN {json.dumps(ADD_TOOLS)}
ENV HOME=/srv/home
ENV PATH=/srv/home/.local/bin:${{PATH}}
USER ${{NB_USER}}
"""


def second_step(image: str, base_image: str) -> Assembly:
    """The tools, added to an image that a repository's own Dockerfile made."""
    folders = (TOOLS, ENVIRONMENT)
    return Assembly(
        base=image,
        steps=(
            *(Copy(target=folder, source=folder, from_image=base_image) for folder in folders),
            Run(user="0", arguments=ADD_TOOLS),
        ),
    )
