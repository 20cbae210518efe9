"""What the site offers the caller, and allows."""

from __future__ import annotations

from ..models import LimitsModel, ProfileModel
from ..operations import operation
from .base import LAUNCH_SCOPE, UserHandler


class ProfilesHandler(UserHandler):
    """GET: profiles."""

    @operation("List profiles", scope=LAUNCH_SCOPE, answers={200: list[ProfileModel]})
    async def get(self) -> None:
        """Those that the caller may choose from, in the site's order."""
        user = self.require(LAUNCH_SCOPE)
        site = self.services.site
        offered = await self.services.admission.profiles(user, self.groups)
        self.answer([ProfileModel.of(profile, site) for profile in offered])


class LimitsHandler(UserHandler):
    """GET: limits."""

    @operation("Show limits", scope=LAUNCH_SCOPE, answers={200: LimitsModel})
    async def get(self) -> None:
        """The site's, and the Slurm accounts of the caller. 403 for one without an allocation."""
        user = self.require(LAUNCH_SCOPE)
        site = self.services.site
        member = await self.services.admission.member(user)
        self.answer(
            LimitsModel(
                requests=site.request_limit,
                request_seconds=site.request_limit_seconds,
                build_seconds=site.build_seconds,
                build_disk_mb=site.build_disk_mb,
                build_log_kb=site.build_log_kb,
                push_mb=site.push_mb,
                accounts=member.slurm_accounts,
                default_account=member.default_account,
                default_qos={
                    account: member.default_qos(account)
                    for account in member.slurm_accounts
                    if member.default_qos(account)
                },
            )
        )
