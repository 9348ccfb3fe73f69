"""Composition root: from a profile to clients, and from clients to the read path.

The only importer of ``sandbox``. Everything heavy is imported when it is first needed.
"""

from argovx_lab.wiring.profiles import (
    Profile,
    current_user,
    default_name,
    load_profile,
    profile_names,
    sandbox_dir,
)
from argovx_lab.wiring.services import ReadPath, Services, read_path

__all__ = [
    "Profile",
    "ReadPath",
    "Services",
    "current_user",
    "default_name",
    "load_profile",
    "profile_names",
    "read_path",
    "sandbox_dir",
]
