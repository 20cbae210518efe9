"""`python -m hpcbinderhub.services.binder --config DIR`, as the hub starts it."""

from .app import BinderService

BinderService.launch_instance()
