"""Subject: an encoder on trial, of which each check takes only what it needs."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, final

from repscope.encoders.contract import Contract, Precision
from repscope.encoders.load import Checkpoint, load, resolved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repscope.encoders.encoder import Staged
    from repscope.images.photo import Photo


@final
class Subject:
    """An encoder by its name; its files, contract and weights are looked for when they are first asked for.

    Attributes:
        name: As given to `-m`.
        picture: A copy of the COCO picture that published outputs were made from, where a person gave one.
    """

    def __init__(self, name: str, picture: Path | None = None):
        self.name, self.picture = name, picture

    @cached_property
    def checkpoint(self) -> Checkpoint | None:
        """Weights on this machine and their contract, nothing of them read; None where another library reads them.

        Raises Unreachable where the weights cannot be had, UnfitCheckpoint where they are not those of the encoder.
        """
        found = resolved(self.name)
        return found if isinstance(found, Checkpoint) else None

    @property
    def contract(self) -> Contract:
        """Known before the weights where the name is that of a published encoder, or a folder says it."""
        from repscope.encoders.load import available

        published = available().get(self.name.partition("@")[0])
        if published is not None:
            return published
        return self.encoder.contract if self.checkpoint is None else self.checkpoint.contract

    @cached_property
    def encoder(self) -> "Staged":
        """In float32, as `repscope.load` gives it."""
        return self.loaded("float32")

    def loaded(self, precision: Precision) -> "Staged":
        """Anew, in a precision."""
        return load(self.name, precision)

    @cached_property
    def photos(self) -> "Sequence[Photo]":
        """The photos that come with the package."""
        from repscope.images import gather

        return gather(())[0]
