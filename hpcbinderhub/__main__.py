"""`python -m hpcbinderhub`."""

import sys

from .app import main

sys.exit(main())
