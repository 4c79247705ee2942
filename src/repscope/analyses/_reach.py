"""Reach: whether the hub can be asked, whether it knows us, and whether gates are open."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from repscope.analyses._finding import Finding, look
from repscope.encoders import Contract, available, cached, hub, network
from repscope.encoders.refused import instead, refused
from repscope.encoders.transfer import told

PATIENCE = 2.0
"""Seconds for the hub to open its door, and again to answer."""
OPEN = "dinov2-vit-s14"
"""The published encoder that is asked for to see whether the hub answers: small, and free to all."""


def reach() -> Iterator[Finding]:
    """The hub, the token, the gates."""
    network.addressed()
    from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE

    token = _token()
    if HF_HUB_OFFLINE:
        yield look("hub", "HF_HUB_OFFLINE is set: it is not asked", "Unset it to fetch weights; what is here works.")
        yield token
        return
    try:
        network.knock(ENDPOINT, PATIENCE)
        trouble = _trouble(available()[OPEN])
    except OSError as error:
        trouble = f"{ENDPOINT} does not answer ({error})"
    if trouble:
        yield look("hub", trouble, "What is on this machine works without.")
        yield token
        return
    mirror = " (HF_ENDPOINT)" if os.environ.get("HF_ENDPOINT") else ""
    yield Finding("hub", f"{ENDPOINT}{mirror} answers")
    yield token
    with ThreadPoolExecutor() as pool:
        yield from pool.map(_gate, _gated())


def _token() -> Finding:
    """Whether there is one; what it is, nobody is told."""
    from huggingface_hub import get_token

    if get_token() is None:
        return Finding("token", "none; only gated encoders want one", "Make one on the hub and set HF_TOKEN to it.")
    return Finding("token", f"there is one, {'in HF_TOKEN' if os.environ.get('HF_TOKEN') else 'as the hub keeps it'}")


def _gated() -> list[Contract]:
    """One encoder of every family whose licence has to be accepted."""
    return list({each.family: each for each in reversed(list(available().values())) if each.gated}.values())


def _gate(contract: Contract) -> Finding:
    what = f"gated: {contract.family}"
    if cached(contract):
        return Finding(what, f"{contract.name} is on this machine")
    trouble = _trouble(contract)
    return (
        look(what, f"asked for {contract.name}: {trouble}", "")
        if trouble
        else Finding(what, f"{contract.name} may be fetched")
    )


def _trouble(contract: Contract) -> str:
    """What stands between us and an encoder, or nothing; fetches nothing."""
    try:
        network.within(
            PATIENCE,
            lambda: told(contract.hub, "config.json", contract.revision, PATIENCE),
            f"no word of {contract.hub}",
        )
    except Exception as error:  # the client and its transport have a tree of errors each
        said = str(refused(contract, error, hub.cache_folder()))
        return (
            said.removeprefix(f"The weights of {contract.name} could not be fetched: ")
            .removesuffix(instead(contract))
            .strip()
        )
    return ""
