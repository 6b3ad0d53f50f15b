"""A signature over release.json, made and checked by minisign (https://jedisct1.github.io/minisign/).

`minisign -Sm RELEASE/release.json` writes `release.json.minisig` beside it. Since release.json stands for every byte of
the release, so does the signature; and what it proves is that whoever holds the secret key signed just this.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Literal, NamedTuple

from iea40k.errors import BadInputError
from iea40k.files import is_plain_file
from iea40k.store.release.content import HEAD, SIGNATURE

TOOL = "minisign"
_KEY = re.compile(r"^[A-Za-z0-9+/]{56}$")
_TIMEOUT = 60

State = Literal["none", "valid", "invalid", "unchecked"]


class SignatureCheck(NamedTuple):
    """What is known of a release's signature: its state, and a sentence for people."""

    state: State
    words: str


def check_signature(path: Path, public_key: str | None = None) -> SignatureCheck:
    """Check the signature of the release at `path`. `public_key` is the key itself or the file that holds it.

    A signature is "unchecked" without a key or without the tool. Raises `BadInputError` for a key that is none.
    """
    key = None if public_key is None else _key_options(public_key)
    if not is_plain_file(path / SIGNATURE):
        state: State = "none" if key is None else "invalid"
        return SignatureCheck(state, f"there is no signature ({SIGNATURE})")
    if key is None:
        return SignatureCheck(
            "unchecked", "a signature is there, not checked: give the signer's --public-key"
        )
    tool = shutil.which(TOOL)
    if tool is None:
        return SignatureCheck("unchecked", f"a signature is there, not checked: {TOOL} is not installed")
    command = [tool, "-V", "-m", str(path / HEAD), "-x", str(path / SIGNATURE), *key]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return SignatureCheck("unchecked", f"a signature is there, not checked: {TOOL} failed: {error}")
    if done.returncode == 0:
        return SignatureCheck("valid", "the signature is that of the given key")
    said = (done.stderr or done.stdout).strip().partition("\n")[0]
    return SignatureCheck("invalid", f"the signature does not fit the release and the given key: {said}")


def _key_options(public_key: str) -> list[str]:
    if _KEY.fullmatch(public_key):
        return ["-P", public_key]
    if is_plain_file(Path(public_key)):
        return ["-p", str(Path(public_key).resolve())]
    raise BadInputError(
        "not a public key",
        expected=f"a key as {TOOL} prints it, or the file that holds it",
        got=repr(public_key),
    )
