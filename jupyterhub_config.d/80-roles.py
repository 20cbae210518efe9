"""Who may do what. Every role holds what its work takes and no more."""

c = get_config()  # noqa: F821

c.JupyterHub.custom_scopes = {
    "custom:hpcbinderhub:build": {"description": "See builds, and have environments built."},
    "custom:hpcbinderhub:launch": {"description": "Launch repositories as oneself."},
    "custom:hpcbinderhub:admin": {"description": "See and manage everybody's builds."},
    "custom:hpcbinderhub:content": {"description": "Fetch the content of one's own launches."},
    "custom:hpcbinderhub:crews": {"description": "Ask for workers of one's own servers."},
}

c.JupyterHub.load_roles = [
    {
        # An ordinary user: open the service, build and launch. `content` and `crews` are here
        # because a server's token cannot hold what its user does not.
        "name": "user",
        "scopes": [
            "self",
            "access:services!service=binder",
            "custom:hpcbinderhub:build",
            "custom:hpcbinderhub:launch",
            "custom:hpcbinderhub:content!user",
            "custom:hpcbinderhub:crews!user",
        ],
    },
    {
        # Whoever looks after builds, besides the hub's admins: c.JupyterHub.load_groups says who.
        "name": "binder-admin",
        "scopes": ["custom:hpcbinderhub:admin"],
        "groups": ["binder-admins"],
    },
    {
        # The service starts and stops servers for whoever clicked, follows them, and sees which
        # images everybody's servers use; it cannot read a server's state, use a server, or change
        # a user.
        "name": "binder",
        "scopes": ["servers", "list:users"],
        "services": ["binder"],
    },
]

# A server's own token: its activity, its own server, its own content and workers, nothing else.
c.Spawner.server_token_scopes = [
    "users:activity!user",
    "access:servers!server",
    "custom:hpcbinderhub:content!server",
    "custom:hpcbinderhub:crews!server",
]
