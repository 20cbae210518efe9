"""`python -m hpcbinderhub.services.binder --config DIR`, as the hub starts it."""

import sys

from .keeper import keep

sys.exit(keep([sys.executable, "-m", "hpcbinderhub.services.binder.app", *sys.argv[1:]]))
