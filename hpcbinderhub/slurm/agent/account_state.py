"""Whether an account may be used at the moment, by the rules of a PAM service.

Those are where a site says that an account has expired, that nobody may log in just now, and who
may from where. Whoever becomes a user without `sshd` or `login` has to ask for itself.
"""

import ctypes

SUCCESS = 0
CONVERSATION_FAILED = 19
MAY_NOT_ASK = 0x8000
"""PAM_SILENT: no module says anything to anybody."""

_Answers = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p
)


class _Conversation(ctypes.Structure):
    _fields_ = [("answers", _Answers), ("data", ctypes.c_void_p)]


_NOBODY_IS_THERE = _Answers(lambda *_arguments: CONVERSATION_FAILED)


def why_not_now(user: str, service: str) -> str:
    """Why the account may not be used, in PAM's words; empty if it may."""
    try:
        pam = ctypes.CDLL("libpam.so.0")
    except OSError:
        return "this host has no PAM to ask"
    pam.pam_strerror.restype = ctypes.c_char_p
    pam.pam_strerror.argtypes = [ctypes.c_void_p, ctypes.c_int]
    for name in ("pam_acct_mgmt", "pam_end"):
        getattr(pam, name).argtypes = [ctypes.c_void_p, ctypes.c_int]
    handle, conversation = ctypes.c_void_p(), _Conversation(_NOBODY_IS_THERE, None)
    begun = pam.pam_start(
        service.encode(), user.encode(), ctypes.byref(conversation), ctypes.byref(handle)
    )
    if begun != SUCCESS:
        return "PAM does not know the service %s" % service
    outcome = int(pam.pam_acct_mgmt(handle, MAY_NOT_ASK))
    words = "" if outcome == SUCCESS else pam.pam_strerror(handle, outcome).decode()
    pam.pam_end(handle, outcome)
    return words
