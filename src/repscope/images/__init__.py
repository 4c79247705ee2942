"""Images: photos as people keep them, decoded to what an encoder may be shown."""

from repscope.images.photo import Photo, Skipped
from repscope.images.sources import gather

__all__ = ["Photo", "Skipped", "gather"]
