"""What a server's owner is told of JupyterHub's own sharing."""

from __future__ import annotations

from hpcbinderhub.spawners.sharing import sharing_of
from jupyterhub import orm, roles

from hpcbinderhub.launches.sharing import Sharing

from .rig import Rig


async def test_it_is_off_as_shipped(rig: Rig) -> None:
    await rig.ready("alice")
    assert sharing_of(rig.user("alice")) == Sharing(may=False, given={})


async def test_who_may_share_and_who_was_given_what(rig: Rig) -> None:
    roles.create_role(rig.db, {"name": "sharers", "scopes": ["shares!user"]})
    await rig.ready("alice")
    alice, bob = rig.user("alice").orm_user, rig.user("bob").orm_user
    roles.grant_role(rig.db, alice, "sharers")
    server = alice.orm_spawners["lab"]
    orm.Share.grant(rig.db, server, bob)
    group = orm.Group(name="geo")
    rig.db.add(group)
    rig.db.commit()
    orm.Share.grant(rig.db, server, group)
    share, _ = orm.ShareCode.new(
        rig.db, server, scopes=[f"access:servers!server=alice/{server.name}"]
    )
    given = {"lab": ["bob", "the group geo", "whoever has your invitation"]}
    assert sharing_of(rig.user("alice")) == Sharing(may=True, given=given)
    assert sharing_of(rig.user("bob")) == Sharing()
    # What has run out is nobody's any more.
    share.expires_at = share.created_at
    rig.db.commit()
    assert sharing_of(rig.user("alice")).given["lab"] == ["bob", "the group geo"]
