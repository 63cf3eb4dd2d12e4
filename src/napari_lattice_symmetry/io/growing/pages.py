"""A multi-page TIFF file that gets page after page."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_lattice_symmetry.data.growing import GrowingMovie, NewFrame
from napari_lattice_symmetry.data.movie import Movie, is_blank
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import silent_libraries
from napari_lattice_symmetry.io.general.tiff import axes_of, calibration_of, metadata_of
from napari_lattice_symmetry.io.growing.waiting import Delay, Quiet, Stamp, further, stamp_of
from napari_lattice_symmetry.io.loading import to_movie
from napari_lattice_symmetry.io.stack import Files, Stack, one_sentence, short_name

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_UNREAD: Stamp = 0, 0, 0


class GrowingTiff(GrowingMovie):
    """One frame a page, in the order in which the pages are chained.

    A page is a frame once its tags and pixels lie within the file and can be decoded, and
    another page follows it or the file has been left alone for `interval` seconds. Of a writer
    that was killed, the page that it was at never is.

    Of a file whose pages are all there from the first, such as one that a program lays out before
    it records, only pages that show something follow another. One that shows nothing is a frame
    once the file has been left alone for `patience` seconds, and lands again when its pixels come.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    channel
        As in `read_movie`, for pages with several samples a pixel.
    interval, patience
        As in `GrowingMovie`.
    """

    def __init__(self, path: Path, **settings: Any) -> None:
        super().__init__(path, short_name(path), **settings)
        self._stamp: Stamp | None = None
        self._offsets: list[int] = []  # of the pages whose tags are there
        self._is_growing = False
        self._shown = 0  # the last page that is known to show something
        self._blank: dict[int, Stamp] = {}  # pages that showed nothing when they were read
        self._doubtful: dict[int, Stamp] = {}  # pages that may change, and when they were read
        self._pointer = 0  # where the offset of the next page will be written
        self._quiet, self._delay = Quiet(), Delay(self.patience)

    @property
    def backlog(self) -> int:
        """How many pages have been begun and wait."""
        return max(len(self._offsets) - len(self.names), 0)

    def poll(self) -> None:
        """Follow the chain of pages on from where it ended."""
        stamp = stamp_of(self.path)
        if stamp is None:
            self.trouble, self._stamp = f"{self.path} cannot be reached.", None
            return
        self._quiet.note("", stamp)
        if stamp == self._stamp:
            return
        inode, size, _ = stamp
        if self._stamp is None or inode != self._stamp[0] or size < self._stamp[1]:
            self._offsets, self._pointer, self._shown = [], 0, 0  # another file took its place
        before, (self._stamp, self.trouble) = len(self._offsets), (stamp, "")
        with Files() as files:
            tif = self._open(files)
            if tif is None:
                self.trouble = f"{self.path.name} has no page yet."
            else:
                self._follow(tif)
        self._is_growing |= 0 < before < len(self._offsets)
        if not before and self.names and 0 not in self._doubtful:
            self.check("0")
        if len(self._offsets) < len(self.names):
            self.trouble = (
                f"{self.path.name} has {len(self._offsets)} pages, fewer than the "
                f"{len(self.names)} that were read before; it holds another movie."
            )

    def take(self) -> NewFrame | None:
        """Read the next page if it is complete, or one that has changed."""
        self.held_up_by = ""
        if self.trouble or self._stamp is None:
            return None
        if (changed := self._take_again(self._stamp)) is not None:
            return changed
        index = len(self.names)
        if index >= len(self._offsets):
            return None
        name, is_last = str(index), index == len(self._offsets) - 1
        is_followed, quiet_for = self._is_followed(index), self._quiet.seconds("", self._stamp)
        movie, failure = None, ""
        if is_followed or quiet_for >= self.interval:
            movie, failure = self._try_to_read(name)
        if movie is None and (is_last or not self._delay.is_over(name)):
            self.held_up_by = f"page {name}"
            return None
        if movie is not None and not is_followed:
            if is_blank(movie.frame(0)) and not self._is_growing and quiet_for < self.patience:
                self.held_up_by = f"page {name}"
                return None
            self._doubtful[index] = self._stamp
        self._delay.forget(name)
        return self._land(name, movie, failure)

    def _take_again(self, stamp: Stamp) -> NewFrame | None:
        """Read pages again whose pixels may have come, up to the first that shows nothing."""
        is_quiet = self._quiet.seconds("", stamp) >= self.interval
        for index in [index for index, read in self._doubtful.items() if read != stamp]:
            name, is_followed = str(index), self._is_followed(index)
            if not (is_followed or is_quiet):
                return None
            self._doubtful[index] = stamp
            if is_followed:
                del self._doubtful[index]
            movie, failure = self._try_to_read(name)
            if movie is None:
                continue
            if not self._is_known(name, movie):
                return self._land(name, movie, failure)
            if not is_followed and is_blank(movie.frame(0)):
                return None
        return None

    def _is_followed(self, index: int) -> bool:
        """Return whether something was written after a page, which is complete then."""
        last = len(self._offsets) - 1
        if index < (last if self._is_growing else self._shown):
            return True
        for later in further(max(self._shown, index), last + 1):
            if self._shows(later):
                self._shown = later
                return True
        return False

    def _shows(self, index: int) -> bool:
        """Return whether there is anything in a page; read it once, until the file changes."""
        stamp = self._stamp
        if stamp is None or self._blank.get(index) == stamp:
            return False
        movie, _ = self._try_to_read(str(index))
        if movie is None or not is_blank(movie.frame(0)):
            return True
        if self._quiet.seconds("", stamp) >= self.interval:  # else its time may be older than it
            self._blank[index] = stamp
        return False

    def _open(self, files: Files) -> TiffFile | None:
        """Open the file; None while not even its first page is there."""
        import tifffile

        with silent_libraries():
            try:
                tif = files.enter_context(tifffile.TiffFile(self.path))
            except Exception:  # of a file of a few bytes it raises whatever struct does
                return None
            if not len(tif.pages):
                return None
            self._refuse_what_is_no_page_a_frame(tif)
        return tif

    def _refuse_what_is_no_page_a_frame(self, tif: TiffFile) -> None:
        declared = (tif.imagej_metadata or {}).get("channels", 1) if tif.is_imagej else 1
        n_channels = max(int(declared), len(calibration_of(tif, 0).get("channels", ())))
        if n_channels > 1:
            raise InputError(
                f"{self.path.name} holds {n_channels} channels; a TIFF file is watched for one "
                "frame a page."
            )

    def _follow(self, tif: TiffFile) -> None:
        """Note the pages that were added, up to the first whose tags are not all there."""
        file, tiff = tif.filehandle, tif.tiff
        if not self._pointer:
            self._pointer = 8 if tif.is_bigtiff else 4
        while True:
            file.seek(self._pointer)
            offset = _number(tiff.offsetformat, file.read(tiff.offsetsize))
            if offset <= max(self._offsets[-1:], default=0):  # 0 ends the chain
                return
            file.seek(offset)
            n_tags = _number(tiff.tagnoformat, file.read(tiff.tagnosize))
            pointer = offset + tiff.tagnosize + n_tags * tiff.tagsize
            if (
                not n_tags
                or pointer + tiff.offsetsize > file.size
                or offset <= max(self._offsets[-1:], default=0)
            ):
                return
            self._offsets.append(offset)
            self._pointer = pointer

    def _read(self, name: str) -> Movie:
        from tifffile import TiffPage

        index = int(name)
        with Files() as files, silent_libraries(), one_sentence(self.path):
            tif = self._open(files)
            if tif is None or index >= len(self._offsets):
                raise InputError(f"{self.path.name} has no page {index}.")
            tif.filehandle.seek(self._offsets[index])
            page = TiffPage(tif, index)
            self._check(page, tif.filehandle.size)
            stack = Stack(
                page.asarray(),
                axes=axes_of(page),
                metadata=metadata_of(tif),
                **calibration_of(tif, 0),
            )
            return to_movie(stack, self.path, self.channel, files)

    def _check(self, page: TiffPage, size: int) -> None:
        """See that the pixels are there."""
        segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
        if not segments or any(not start or start + n > size for start, n in segments):
            raise InputError(
                f"{self.path.name}: the pixels of page {page.index} are not all there."
            )

    def _order(self, name: str) -> Any:
        return int(name)

    def _expect(self, failed: set[str]) -> None:
        self._doubtful = {int(name): _UNREAD for name in sorted(failed, key=int)}


def _number(layout: str, data: bytes) -> int:
    """Unpack an integer; 0 if it lies beyond the end of the file."""
    return int(struct.unpack(layout, data)[0]) if len(data) == struct.calcsize(layout) else 0
