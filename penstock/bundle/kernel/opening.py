"""Opening the kernel that lies among the files of a version."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.bundle.kernel.kernel import Kernel
from penstock.bundle.manifest import KERNEL


def kernel_in(files: Mapping[str, bytes]) -> Kernel | None:
    """Return the kernel that lies among the files of a version; None where there is none.

    Raises
    ------
    BundleError
        Another release wrote it, in a way that this one does not know.
    """
    own = {path.removeprefix(KERNEL): data for path, data in files.items() if path.startswith(KERNEL)}
    if not own:
        return None
    from penstock.bundle.kernel.engines.blend import opened

    return Kernel.opened(own, opened)
