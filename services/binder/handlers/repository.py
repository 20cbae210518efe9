"""How requests name a repository."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from hpcbinderhub.launches.options import Line
from hpcbinderhub.repos.pasted import Pasted, parse_pasted
from hpcbinderhub.repos.spec import parse_link


class RepositoryRequest(BaseModel):
    """A body that names a repository."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repository: Line = Field(
        default="", description="What was pasted: an address; or leave empty and give `spec`."
    )
    ref: Line = Field(default="", description="Branch, tag or commit, beside `repository`.")
    spec: Line = Field(default="", description="Provider and spec as in a link: gh/org/repo/ref.")

    def pasted(self) -> Pasted:
        """What the request says; `Repositories.settle` knows where a branch's name ends."""
        if self.spec:
            provider, _, rest = self.spec.partition("/")
            return Pasted(parse_link(provider, rest), "")
        return parse_pasted(self.repository, self.ref)
