"""Coming: encoders whose weights are read while others look, and let go once they have looked."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any, final

from repscope.encoders.contract import Contract, Precision
from repscope.encoders.encoder import Framing
from repscope.encoders.load import Checkpoint, load, precision_of, resolved
from repscope.encoders.precision import Asked
from repscope.errors import RepscopeError

if TYPE_CHECKING:
    from repscope.encoders.encoder import Encoder, Shown
    from repscope.encoders.transformer import Transformer
    from repscope.images.photo import Photo
    from repscope.tokens import Tokens


@final
class Coming:
    """An encoder that is known by its contract, and whose weights come when they are asked for.

    When one is asked the next begins to be read, so that never more than two are in memory where each is let go after
    it has looked. What goes wrong with the weights is raised by the call that needs them.

    Attributes:
        error: What went wrong, where something did.
    """

    def __init__(self, checkpoint: Checkpoint, precision: Precision, thread: ThreadPoolExecutor):
        self.checkpoint, self._thread = checkpoint, thread
        self.precision: Precision = precision
        self.contract: Contract = replace(checkpoint.contract, parameters=checkpoint.parameters())
        self.following: Coming | None = None
        self.error: RepscopeError | None = None
        self._lock = Lock()
        self._future: Future[Transformer] | None = None

    @property
    def revision(self) -> str:
        return self.checkpoint.revision

    @property
    def layout(self) -> str:
        return self.checkpoint.layout

    def under(self, contract: Contract) -> "Transformer":
        """The same weights under another contract."""
        return self.here().under(contract)

    def exact(self) -> "Transformer":
        """The same encoder in float32, read now."""
        return self.here() if self.precision == "float32" else self.checkpoint.encoder("float32")

    def start(self) -> "Future[Transformer]":
        """Begin to read the weights, where nobody has begun."""
        with self._lock:
            if self._future is None:
                self._future = self._thread.submit(self.checkpoint.encoder, self.precision)
            return self._future

    def here(self) -> "Transformer":
        """The encoder itself, waited for."""
        try:
            found = self.start().result()
        except RepscopeError as error:
            self.error = error
            raise
        finally:
            if self.following is not None:
                self.following.start()
        return found

    def let_go(self) -> None:
        """Forget the weights; they are read again when they are asked for again."""
        with self._lock:
            self._future = None

    def __call__(
        self, photos: "Sequence[Photo]", layers: Sequence[int] = (-1,), framing: Framing = "square"
    ) -> "tuple[Tokens, ...]":
        return self.here()(photos, layers, framing)

    def attending(
        self, photos: "Sequence[Photo]", layers: Sequence[int] = (-1,), framing: Framing = "square"
    ) -> "tuple[Tokens, ...]":
        return self.here().attending(photos, layers, framing)

    def attention(self, photos: "Sequence[Photo]", block: int, framing: Framing = "square") -> Any:
        return self.here().attention(photos, block, framing)

    def shown(self, photos: "Sequence[Photo]", framing: Framing = "square") -> "Shown":
        return self.here().shown(photos, framing)

    def tokens(self, shown: "Shown", layers: Sequence[int] = (-1,)) -> "tuple[Tokens, ...]":
        return self.here().tokens(shown, layers)


def coming(name: str, precision: Asked, thread: ThreadPoolExecutor, before: "Encoder | None" = None) -> "Encoder":
    """An encoder on its way; one that another library runs is loaded at once.

    Args:
        thread: Reads weights, one encoder after the other.
        before: The one that will be asked before it.

    Raises what `load` raises of what can be known before the weights are read.
    """
    found = resolved(name)
    if not isinstance(found, Checkpoint):
        return load(name, precision)
    made = Coming(found, precision_of(precision, "cpu", found.contract), thread)
    if isinstance(before, Coming):
        before.following = made
    else:
        made.start()
    return made
