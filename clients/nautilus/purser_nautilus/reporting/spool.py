"""An append-only log on disk: what an engine reported and the service has not acknowledged yet.

A spool is a folder of segments, `<number>.log`. A record is one line: the CRC-32 of the content in 8 hexadecimal
digits, a space, and the content. A process that dies while it writes leaves at most one incomplete line, at the end of
the last segment, which the next one cuts off. The file `acknowledged` contains the place up to which the service has
everything: a segment's number and an offset in bytes.
"""

import fcntl
import os
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

_NAME = re.compile(r"[0-9]{16}\.log")
_SEGMENTS = 16
_SEGMENT_BYTES_MIN = 4096
_PREFIX_LENGTH = 9


class SpoolBusy(Exception):
    """Another process has this spool open."""


class Place(NamedTuple):
    """A place in the spool: the segment's number and the offset in bytes."""

    segment: int
    offset: int


class Spool:
    """The spool in a folder, created if missing. Raises SpoolBusy, OSError.

    One thread may append while another one reads and acknowledges.
    """

    def __init__(self, folder: Path, bytes_max: int, *, is_durable: bool = False) -> None:
        """`bytes_max` limits the folder's segments. `is_durable`: appended records survive a loss of power too."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.bytes_max = bytes_max
        self._segment_bytes = max(bytes_max // _SEGMENTS, _SEGMENT_BYTES_MIN)
        self._is_durable = is_durable
        self._lock_file = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock_file.close()
            raise SpoolBusy(f"another process has the spool {folder} open") from None
        self._lock = threading.Lock()
        self.corrupt = 0
        """Records that were skipped because their checksum is wrong."""
        self._sizes = {int(name[:16]): (folder / name).stat().st_size for name in self._names()}
        self._acknowledged = self._read_acknowledged()
        if self._sizes:
            last = max(self._sizes)
            self._sizes[last] = _cut_tail(self._path(last))
        self._last = max((*self._sizes, self._acknowledged.segment))
        if self._acknowledged.offset > self._sizes.get(self._acknowledged.segment, 0):
            # Acknowledged records were lost with the power. New ones must not take their places.
            self._last += 1
            self._acknowledged = Place(self._last, 0)
        self._sizes.setdefault(self._last, 0)
        self._file = self._path(self._last).open("ab", buffering=0)

    @property
    def pending_bytes(self) -> int:
        """The bytes of records that are not acknowledged."""
        with self._lock:
            return self._pending()

    def append(self, contents: Iterable[bytes]) -> int:
        """Append records, in one write for each segment. Returns how many fit. Raises OSError.

        A record that does not fit ends it: later ones would leave a gap that nothing shows.
        """
        appended = 0
        lines: list[bytes] = []
        size = self._sizes[self._last]
        room = self.bytes_max - sum(self._sizes.values())
        for content in contents:
            line = b"%08x %b\n" % (crc32(content), content)
            if len(line) > room:
                break
            if size and size + len(line) > self._segment_bytes:
                self._write(lines)
                lines, size = [], 0
                self._begin_segment()
            lines.append(line)
            size += len(line)
            room -= len(line)
            appended += 1
        self._write(lines)
        return appended

    def read(self, records_max: int, bytes_max: int, start: Place | None = None) -> tuple[list[bytes], list[Place]]:
        """The next records from `start` (default: the first unacknowledged one), and the place after each."""
        contents: list[bytes] = []
        places: list[Place] = []
        size = 0
        for content, place in self._records(start or self._acknowledged):
            size += len(content)
            if contents and size > bytes_max:
                break
            contents.append(content)
            places.append(place)
            if len(contents) == records_max:
                break
        return contents, places

    def acknowledge(self, place: Place) -> None:
        """The service has everything before the place. Deletes segments that are no longer needed. Raises OSError."""
        temporary = self._folder / "acknowledged.new"
        temporary.write_text(f"{place.segment} {place.offset}\n")
        temporary.replace(self._folder / "acknowledged")
        with self._lock:
            self._acknowledged = place
            finished = [number for number in self._sizes if number < place.segment]
            for number in finished:
                del self._sizes[number]
        for number in finished:
            self._path(number).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the files. Another process may open the spool then."""
        self._file.close()
        self._lock_file.close()

    def _records(self, start: Place) -> Iterator[tuple[bytes, Place]]:
        with self._lock:
            sizes = sorted(self._sizes.items())
        for number, size in sizes:
            offset = start.offset if number == start.segment else 0
            if number < start.segment or offset >= size:
                continue
            with self._path(number).open("rb") as file:
                file.seek(offset)
                while offset < size:
                    line = file.readline()
                    offset += len(line)
                    if (content := _content_of(line)) is None:
                        self.corrupt += 1
                    else:
                        yield content, Place(number, offset)

    def _write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        data = b"".join(lines)
        written = 0
        while written < len(data):
            written += self._file.write(data[written:]) or 0
        if self._is_durable:
            os.fdatasync(self._file.fileno())
        with self._lock:
            self._sizes[self._last] += len(data)

    def _begin_segment(self) -> None:
        self._file.close()
        with self._lock:
            self._last += 1
            self._sizes[self._last] = 0
        self._file = self._path(self._last).open("ab", buffering=0)

    def _pending(self) -> int:
        segment, offset = self._acknowledged
        pending = sum(size for number, size in self._sizes.items() if number >= segment)
        return pending - (offset if segment in self._sizes else 0)

    def _read_acknowledged(self) -> Place:
        try:
            segment, offset = (self._folder / "acknowledged").read_text().split()
            return Place(int(segment), int(offset))
        except (FileNotFoundError, ValueError):
            # Without the place everything is sent again; the service recognizes what it has.
            return Place(min(self._sizes, default=1), 0)

    def _names(self) -> list[str]:
        return [name for name in os.listdir(self._folder) if _NAME.fullmatch(name)]

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:016d}.log"


def _content_of(line: bytes) -> bytes | None:
    content = line[_PREFIX_LENGTH:-1]
    return content if line[-1:] == b"\n" and line[:_PREFIX_LENGTH] == b"%08x " % crc32(content) else None


def _cut_tail(path: Path) -> int:
    """Cut off what follows the last complete record. Returns the size that is left."""
    data = path.read_bytes()
    end = len(data)
    while end:
        begin = data.rfind(b"\n", 0, end - 1) + 1
        if _content_of(data[begin:end]) is not None:
            break
        end = begin
    if end < len(data):
        os.truncate(path, end)
    return end
