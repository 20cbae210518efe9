"""A folder of the artefact store that one user alone may read: an access list opens it to her.

See acl(5) and the kernel's posix_acl_xattr.h: a version, then entries of tag, rights and number.
"""

import os
import struct

_VERSION = 2
_OWNER, _USER, _GROUP, _MASK, _OTHERS = 0x01, 0x02, 0x04, 0x10, 0x20
_NO_NUMBER = 0xFFFFFFFF


def make_readers_folder(folder: str, reader: int) -> None:
    """Make it, and the folder of all such, unless they are there."""
    above = os.path.dirname(folder)
    if not os.path.isdir(above):
        os.mkdir(above)
    os.chmod(above, 0o711)
    if not os.path.isdir(folder):
        os.mkdir(folder, mode=0o700)
    os.setxattr(folder, "system.posix_acl_default", _access_list(reader, others=0))
    os.setxattr(folder, "system.posix_acl_access", _access_list(reader, others=1))


def _access_list(reader: int, *, others: int) -> bytes:
    entries = (
        (_OWNER, 7, _NO_NUMBER),
        (_USER, 5, reader),
        (_GROUP, 0, _NO_NUMBER),
        (_MASK, 5, _NO_NUMBER),
        (_OTHERS, others, _NO_NUMBER),
    )
    return struct.pack("<I", _VERSION) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
