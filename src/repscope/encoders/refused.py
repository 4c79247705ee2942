"""Refused: why weights could not be fetched, in words, and what to do about it."""

import errno
from pathlib import Path
from urllib.parse import urlsplit

from repscope.encoders.contract import Contract
from repscope.encoders.transfer import Other
from repscope.errors import RepscopeError, Unreachable, Unwritable

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
SHUT = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


def instead(contract: Contract) -> str:
    """The way around the hub."""
    return (
        f"`repscope models {contract.name}` says where its weights are; with a copy of them in a folder DIR, load "
        f"{contract.name}@DIR."
    )


def refused(contract: Contract, error: Exception, cache: Path) -> RepscopeError:
    """What went wrong between the hub and its cache, as an error that a person can act on."""
    code = error.errno if isinstance(error, OSError) else None
    if code in FULL:
        why = (
            f"the disk of {cache} is full ({_first(error)}). Free some room, or set HF_HOME to a folder on another "
            "disk. What has come is kept, and the next try goes on from there."
        )
        return Unwritable(f"The weights of {contract.name} could not be kept: {why}")
    if code in SHUT:
        why = f"{cache} may not be written ({_first(error)}). Change its mode, or set HF_HOME to another folder."
        return Unwritable(f"The weights of {contract.name} could not be kept: {why}")
    why = _why(contract, error, cache)
    return Unreachable(f"The weights of {contract.name} could not be fetched: {why} {instead(contract)}")


def _why(contract: Contract, error: Exception, cache: Path) -> str:
    from huggingface_hub.constants import ENDPOINT
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    page = f"{ENDPOINT}/{contract.hub}"
    if isinstance(error, GatedRepoError) or (contract.gated and isinstance(error, RepositoryNotFoundError)):
        return f"its licence must be accepted: do so at {page}, then set HF_TOKEN to a token that may read it."
    if isinstance(error, RevisionNotFoundError):
        return f"{page} has no revision {contract.revision or 'main'}: its owner may have taken it back."
    if isinstance(error, RepositoryNotFoundError):
        return f"{page} is not there, or private: set HF_TOKEN to a token that may read it."
    if isinstance(error, HfHubHTTPError) and (status := getattr(error.response, "status_code", 0)):
        return _status(status, page, ENDPOINT)
    if isinstance(error, OfflineModeIsEnabled):
        return f"HF_HUB_OFFLINE is set, and the cache at {cache} does not have them. Unset it where there is a network."
    if isinstance(error, Other):
        return (
            f"{page} gave something else ({error}). A proxy, a login page or a mirror in between may be why: open "
            f"{ENDPOINT} in a browser, or set HTTPS_PROXY or HF_ENDPOINT. Nothing of it was kept."
        )
    if _cut_short(error):
        return (
            f"the connection to {urlsplit(ENDPOINT).netloc} broke ({_first(error)}). Try again: it goes on from there."
        )
    return f"{page} does not answer, and the cache at {cache} does not have them ({_first(error)})."


def _status(status: int, page: str, endpoint: str) -> str:
    if status == 401:
        return (
            f"{endpoint} does not know the token it was shown (401). Make one at {endpoint}/settings/tokens and set "
            "HF_TOKEN to it, or unset HF_TOKEN where none is needed."
        )
    if status == 403:
        return f"the token may not read {page} (403). Give it the right to, or ask the owner."
    later = " Try again later: what has come is kept." if status >= 500 or status == 429 else ""
    return f"{page} answered {status}.{later}"


def _cut_short(error: Exception) -> bool:
    """Whether a file had begun to come: its end, not its beginning, is what lacks."""
    said = str(error).lower()
    return any(words in said for words in ("consistency check failed", "peer closed connection", "incompleteread"))


def _first(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
