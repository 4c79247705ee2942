"""Hub: the published weights, fetched once, verified, and found again without a network."""

import os
from pathlib import Path

from repscope.encoders import network, weights
from repscope.encoders.contract import Contract
from repscope.encoders.refused import instead, refused
from repscope.encoders.transfer import transferred
from repscope.encoders.whole import promised, still_whole, whole
from repscope.errors import RepscopeError, UnfitCheckpoint, Unreachable, Unwritable, WrongUsage

CONFIGURATION = "config.json"


def cached(contract: Contract) -> Path | None:
    """The folder of the hub's cache that holds the contract's weights, or None; asks nobody."""
    repository = cache_folder() / f"models--{contract.hub.replace('/', '--')}"
    revision = contract.revision or _main(repository)
    folder = repository / "snapshots" / revision
    try:
        there = revision and ((folder / contract.file).is_file() or weights.files(folder))
    except UnfitCheckpoint:  # nothing there, or an index whose shards did not all arrive
        return None
    return folder if there else None


def _main(repository: Path) -> str:
    """The commit that the cache last saw at the head of a repository."""
    head = repository / "refs" / "main"
    return head.read_text().strip() if head.is_file() else ""


def cache_folder() -> Path:
    """Where the hub's client keeps what it fetched, as HF_HOME and its kin say; raises WrongUsage for no folder."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    said = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    place = Path(said or Path(home) / "hub")
    try:
        return place.expanduser()
    except RuntimeError:
        raise WrongUsage(
            f"The hub's cache is to be {place}, and there is no such home. Set HF_HOME, or HF_HUB_CACHE where it is "
            "set, to a folder."
        ) from None


def fetched(contract: Contract, thorough: bool = False) -> Path:
    """The folder with the published weights and their config.json; fetched where the cache lacks them.

    A download that was cut short goes on where it stopped, and a file that was damaged in the cache is fetched again.

    Args:
        thorough: Read every file, also those that nobody has written since they were last read and whole.

    Raises:
        Unreachable: and says what stands in the way and what to do about it.
        Unwritable: the cache has no room, or may not be written.
        UnfitCheckpoint: the file is not the one whose checksum is known.
    """
    folder = cached(contract)
    if folder is None:
        folder = _download(contract)
    elif broken := damaged(contract, folder, thorough):
        folder = _mended(contract, broken[0])
    file = folder / contract.file
    if contract.sha256 not in ("", promised(file)) and file.is_file() and not whole(file, contract.sha256):
        raise UnfitCheckpoint(f"{_not_published(contract, file)} The hub that gave it has another: see HF_ENDPOINT.")
    return folder


def held(contract: Contract, folder: Path) -> tuple[Path, ...]:
    """The files of a snapshot that an encoder is made of: its weights, the index of these, its configuration."""
    file = folder / contract.file
    found = (file,) if file.is_file() else weights.files(folder)
    return (*found, *(folder / name for name in (weights.INDEX, CONFIGURATION) if (folder / name).is_file()))


def wanted(contract: Contract, file: Path) -> str:
    """The digest that a file in the cache must have: the one the cache names it by, else the pin; empty for neither."""
    return promised(file) or (contract.sha256 if file.name == contract.file else "")


def damaged(contract: Contract, folder: Path, thorough: bool = False) -> list[Path]:
    """The files of a snapshot that are not what they were when they were fetched."""
    promises = ((file, wanted(contract, file)) for file in held(contract, folder))
    right = whole if thorough else still_whole
    return [file for file, digest in promises if digest and not right(file, digest)]


def _mended(contract: Contract, broken: Path) -> Path:
    digest = wanted(contract, broken)
    try:
        return _download(contract)
    except (Unreachable, Unwritable) as error:
        said = f"{broken} is damaged: its digest is no longer {digest}."
        if broken.name == contract.file and digest == contract.sha256:
            said = _not_published(contract, broken)
        raise UnfitCheckpoint(f"{said} It could not be fetched again. {error}") from None


def _not_published(contract: Contract, file: Path) -> str:
    return (
        f"{file} is not the published {contract.name}: its SHA-256 is {weights.sha256(file)}, wanted {contract.sha256}."
    )


def _download(contract: Contract) -> Path:
    network.addressed()
    from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE

    try:
        if not HF_HUB_OFFLINE:  # then the client says so itself, at once
            _knock(ENDPOINT)
        _file(contract, CONFIGURATION)  # first: where weights are, it is there too
        for name in dict.fromkeys((contract.file, *weights.NAMES)):
            place = _file(contract, name)
            for shard in weights.shard_names(place) if place and name == weights.INDEX else ():
                _file(contract, shard)
            if place:
                return place.parent
    except RepscopeError:
        raise
    except Exception as error:  # the client and its transport have a tree of errors each, with no common root
        raise refused(contract, error, cache_folder()) from None
    raise Unreachable(
        f"{contract.hub} has none of {', '.join(dict.fromkeys((contract.file, *weights.NAMES)))} at "
        f"{contract.revision or 'its head'}. {instead(contract)}"
    )


def _knock(endpoint: str) -> None:
    try:
        network.knock(endpoint)
    except OSError as error:  # its number is the network's: a firewall, too, says "permission denied"
        raise ConnectionError(str(error)) from None


def _file(contract: Contract, name: str) -> Path | None:
    """A file in the cache, fetched where it is not there whole; None where the repository has none of that name."""
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        return transferred(contract.hub, name, contract.revision, cache_folder())
    except LocalEntryNotFoundError:
        raise
    except EntryNotFoundError:
        return None
