"""Subject: an encoder on trial, of which each check takes only what it needs."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, final

from repscope.encoders.contract import Contract, Precision
from repscope.encoders.load import Checkpoint, load, resolved
from repscope.encoders.precision import Chosen, auto

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repscope.encoders.encoder import Staged
    from repscope.images.photo import Photo
    from repscope.tokens import Tokens


@final
class Subject:
    """An encoder by its name; its files, contract and weights are looked for when they are first asked for.

    Attributes:
        name: As given to `-m`.
        picture: A copy of the COCO picture that published outputs were made from, where a person gave one.
    """

    def __init__(self, name: str, picture: Path | None = None):
        self.name, self.picture = name, picture
        self._said: dict[tuple[str, int], Tokens] = {}

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
    def usual(self) -> "Staged":
        """In the precision that `auto` comes to here: what an analysis would use."""
        return self.encoder if self.chosen.precision == "float32" else self.loaded(self.chosen.precision)

    @property
    def chosen(self) -> Chosen:
        """What `auto` comes to here, and why; float32 for what another library runs."""
        if self.checkpoint is None:
            return Chosen("float32", "another library runs it, in its own precision")
        return auto(width=self.contract.architecture.width)

    def tokens(self, photo: "Photo", layers: "Sequence[int]" = (-1,)) -> "tuple[Tokens, ...]":
        """What the encoder says of one photo in float32, its square shown; remembered, for several checks ask it."""
        unknown = [layer for layer in layers if (photo.id, layer) not in self._said]
        if unknown:
            for layer, said in zip(unknown, self.encoder([photo], unknown), strict=True):
                self._said[photo.id, layer] = said
        return tuple(self._said[photo.id, layer] for layer in layers)

    def release(self) -> None:
        """Let the encoder in float32 go, so that another model has its memory; asked for again, it is loaded again."""
        self.__dict__.pop("encoder", None)

    @cached_property
    def photos(self) -> "Sequence[Photo]":
        """The photos that come with the package."""
        from repscope.images import gather

        return gather(())[0]
