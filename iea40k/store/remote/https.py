"""https: whose certificates are believed, and what is said of one that is not."""

import os
import re
import ssl
from collections.abc import Iterator
from pathlib import Path

from iea40k.errors import RemoteError

AUTHORITIES = "SSL_CERT_FILE"
"""The variable that names a file of further certificate authorities, as OpenSSL has it."""

AUTHORITIES_S3 = "AWS_CA_BUNDLE"

_DISTRUST = re.compile(r"certificate verify failed: ([^(\]]+)", re.IGNORECASE)
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNEXPECTED_EOF_WHILE_READING")


def authorities() -> ssl.SSLContext:
    """Return what a connection believes: the system's authorities, or those that `SSL_CERT_FILE` names now.

    aiohttp reads the variable once, when it is imported: too early for whoever sets it in a notebook.
    """
    return ssl.create_default_context()


def https_error(error: BaseException, where: str, variable: str = AUTHORITIES) -> RemoteError | None:
    """Return what is wrong with a server's https, in words; None where an error is of something else.

    `variable` is the environment variable that names further authorities for this kind of address.
    """
    chain = list(_chain(error))
    reason = next((found for each in chain if (found := _distrust(each))), None)
    if reason is not None:
        return RemoteError(
            "the server's certificate is not trusted, so nothing was read",
            where=where,
            expected="one for this host, signed by an authority that this machine knows",
            got=reason + _missing(variable),
            remedy=f"of a server of your own or of your institute, name its authority: {variable}=CA.pem; otherwise "
            "somebody may stand between: ask the publisher",
        )
    if any(isinstance(each, ssl.SSLError) and getattr(each, "reason", None) in _NO_TLS for each in chain):
        return RemoteError(
            "the server does not speak https there",
            where=where,
            got=_first_line(error),
            remedy="correct the port, or the address: http:// where the publisher says so",
        )
    return None


def _distrust(error: BaseException) -> str | None:
    message = getattr(error, "verify_message", "")
    if isinstance(error, ssl.SSLCertVerificationError) and message:
        return str(message)
    found = _DISTRUST.search(str(error))  # botocore keeps the words alone
    return found[1].strip() if found else None


def _missing(variable: str) -> str:
    """Return a word on a variable that names no file: OpenSSL says nothing of it, and believes nobody."""
    named = os.environ.get(variable)
    return f"; {variable} names {named}, which is not there" if named and not Path(named).is_file() else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it was made of."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        parts = (each.__cause__, each.__context__, getattr(each, "os_error", None), *each.args)
        waiting += [part for part in parts if isinstance(part, BaseException)]


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
