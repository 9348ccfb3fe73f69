"""What the platform's template needs to know of a profile."""

from __future__ import annotations

from pathlib import Path

from argovx_lab.compile.platform import Platform
from argovx_lab.wiring.profiles import Profile


def role_lines(project: str) -> list[str]:
    """Return the lines that create the custom roles of a project: the table that the sandbox enforces."""
    from argovx_lab.sandbox.google.roles import CUSTOM

    return [
        f"gcloud iam roles create {name} --project={project} --permissions={','.join(sorted(held))}"
        for name, held in CUSTOM.items()
    ]


def platform_of(profile: Profile) -> Platform:
    """Return the deployment that the template is written for."""
    return Platform(
        image=profile.launcher_image,
        sts_url=profile.endpoints.sts,
        aiplatform_url=profile.endpoints.aiplatform,
        storage_url=profile.endpoints.storage,
        audience=profile.audience,
        project=profile.project,
        region=profile.region,
        bucket=profile.bucket,
        prefix=profile.prefix,
        iam_url=profile.endpoints.iam,
        resourcemanager_url=profile.endpoints.resourcemanager,
        impersonate=profile.impersonate,
        impersonate_lifetime_s=profile.impersonate_lifetime_s,
        iamcredentials_url=profile.endpoints.iamcredentials,
        downscope=profile.downscope,
        token_hosts=profile.token_hosts,
        proxy=profile.proxy,
        ca_pem=Path(profile.ca_file).read_text() if profile.ca_file else "",
    )
