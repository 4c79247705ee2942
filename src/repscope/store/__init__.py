"""Store: what encoders said of a set of images, on disk or in memory, ready to be asked."""

from repscope.store.embedded import Embedded, Sample
from repscope.store.given import Given
from repscope.store.stored import Stored, opened

__all__ = ["Embedded", "Given", "Sample", "Stored", "opened"]
