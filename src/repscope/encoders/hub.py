"""Hub: the published weights, fetched once, verified, and found again without a network."""

import os
from pathlib import Path

from repscope.encoders import digests, network, weights
from repscope.encoders.contract import Contract
from repscope.errors import RepscopeError, UnfitCheckpoint, Unreachable


def cached(contract: Contract) -> Path | None:
    """The folder of the hub's cache that holds the contract's weights, or None; asks nobody."""
    repository = _cache() / f"models--{contract.hub.replace('/', '--')}"
    revision = contract.revision or _main(repository)
    folder = repository / "snapshots" / revision
    try:
        whole = revision and ((folder / contract.file).is_file() or weights.files(folder))
    except UnfitCheckpoint:  # nothing there, or an index whose shards did not all arrive
        return None
    return folder if whole else None


def _main(repository: Path) -> str:
    """The commit that the cache last saw at the head of a repository."""
    head = repository / "refs" / "main"
    return head.read_text().strip() if head.is_file() else ""


def _cache() -> Path:
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    said = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return Path(said or Path(home) / "hub").expanduser()


def fetched(contract: Contract) -> Path:
    """The folder with the published weights and their config.json; fetched where the cache lacks them.

    A download that was cut short goes on where it stopped.

    Raises:
        Unreachable: and says what stands in the way and what to do about it.
        UnfitCheckpoint: the file is not the one whose checksum is known.
    """
    folder = cached(contract) or _download(contract)
    file = folder / contract.file
    if contract.sha256 and file.is_file() and (found := digests.sha256(file)) != contract.sha256:
        raise UnfitCheckpoint(
            f"{file} is not the published {contract.name}: its SHA-256 is {found}, wanted {contract.sha256}. "
            "Delete it and load again."
        )
    return folder


def _download(contract: Contract) -> Path:
    from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        if not HF_HUB_OFFLINE:  # then the client says so itself, at once
            network.knock(ENDPOINT)
        for name in dict.fromkeys((contract.file, *weights.NAMES)):
            try:
                place = _file(contract, name)
            except LocalEntryNotFoundError:
                raise
            except EntryNotFoundError:
                continue
            for shard in weights.shard_names(place) if name == weights.INDEX else ():
                _file(contract, shard)
            _configuration(contract)
            return place.parent
    except RepscopeError:
        raise
    except Exception as error:  # the client and its transport have a tree of errors each, with no common root
        raise _unreachable(contract, error) from None
    raise Unreachable(
        f"{contract.hub} has none of {', '.join(dict.fromkeys((contract.file, *weights.NAMES)))} at "
        f"{contract.revision or 'its head'}. {_instead(contract)}"
    )


def _configuration(contract: Contract) -> None:
    """The config.json beside the weights, where the repository has one: it is checked against the contract."""
    from huggingface_hub.errors import EntryNotFoundError

    try:
        _file(contract, "config.json")
    except EntryNotFoundError:
        return


def _file(contract: Contract, name: str) -> Path:
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(contract.hub, name, revision=contract.revision or None))


def _instead(contract: Contract) -> str:
    return (
        f"`repscope models {contract.name}` says where its weights are; with a copy of them in a folder DIR, load "
        f"{contract.name}@DIR."
    )


def _unreachable(contract: Contract, error: Exception) -> Unreachable:
    from huggingface_hub.constants import ENDPOINT
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    page = f"{ENDPOINT}/{contract.hub}"
    if isinstance(error, GatedRepoError) or (contract.gated and isinstance(error, RepositoryNotFoundError)):
        why = f"its licence must be accepted: do so at {page}, then set HF_TOKEN to a token that may read it."
    elif isinstance(error, RevisionNotFoundError):
        why = f"{page} has no revision {contract.revision}."
    elif isinstance(error, RepositoryNotFoundError):
        why = f"{page} is not there, or private: set HF_TOKEN to a token that may read it."
    else:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        why = f"{page} does not answer, and the cache at {_cache()} does not have them ({reason.rstrip('.')})."
    return Unreachable(f"The weights of {contract.name} could not be fetched: {why} {_instead(contract)}")
