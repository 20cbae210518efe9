"""How a request reaches the agent, and how its answer comes back.

The remote command is a constant, the request goes over standard input, and the answer is found by
a nonce (see `framing`). Over SSH, `hosts` chooses a login node and `pool` keeps connections.
"""

from .base import Transport
from .ssh import SSHTransport

__all__ = ["SSHTransport", "Transport"]
