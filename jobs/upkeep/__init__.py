"""Work that any worker does for all: it finds what no one else would move on."""

from .sweep import Sweep

__all__ = ["Sweep"]
