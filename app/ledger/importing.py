"""Imports recordings: files of engine events, one JSON object per line.

A thread reads and decodes lines while PostgreSQL works on the previous batch; only a few batches are in memory.
Imports are idempotent: a file may be imported again, also after an interrupted import.
"""

import asyncio
import codecs
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from gzip import GzipFile
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import IO

import msgspec

from app.database import Database
from app.errors import BadInputError
from app.event_codec import EVENT_BYTES_MAX, BadEvent, ReadMessage
from app.ledger.batch import Rejected
from app.ledger.message_batch import MessageBatch, MessageCounts, record_batch

BATCH_LINES = 5_000
ARRAY_BYTES_MAX = 64 * 1024 * 1024
"""The largest JSON array to import: it is read whole. Larger ones are read line by line."""


@dataclass(slots=True, kw_only=True)
class Progress(MessageCounts):
    """The progress of an import. Bytes are those of the file on disk."""

    path: Path
    bytes_read: int = 0
    bytes_total: int = 0
    lines: int = 0


@dataclass(slots=True)
class _Batch(MessageBatch):
    lines: int = 0
    bytes_read: int = 0


async def import_file(
    database: Database,
    path: Path,
    read_message: ReadMessage,
    *,
    batch_lines: int = BATCH_LINES,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_rejected: Callable[[Rejected], None] = lambda _: None,
) -> Progress:
    """Import a `.jsonl` or `.jsonl.gz` file of events and instruments, or a JSON array of them.

    Refused lines are reported by number, and the import continues. A batch's instruments are recorded before its
    events. Raises BadInputError if the file cannot be read (what came before the damage stays imported),
    DatabaseUnavailable.
    """
    progress = Progress(path=path, bytes_total=_size_of(path))
    async for batch in _ahead(_batches(path, read_message, batch_lines)):
        counts, rejected_lines = await record_batch(database, batch)
        progress.add(counts)
        progress.lines += batch.lines
        progress.bytes_read = batch.bytes_read
        for rejected in rejected_lines:
            on_rejected(rejected)
        on_progress(progress)
    return progress


async def _ahead(batches: Iterator[_Batch]) -> AsyncIterator[_Batch]:
    """Prepare the next batch in a thread while the caller works on this one."""
    following = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
    try:
        while (batch := await following) is not None:
            following = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
            yield batch
    finally:
        await asyncio.gather(following, return_exceptions=True)


def _batches(path: Path, read_message: ReadMessage, batch_lines: int) -> Iterator[_Batch]:
    batch = _Batch()
    number = 0
    try:
        with path.open("rb") as raw, _lines_of(raw) as lines:
            for number, line in enumerate(_bounded(lines), start=1):
                _take(batch, number, line, read_message)
                if batch.lines >= batch_lines:
                    batch.bytes_read = _place_in(raw)
                    yield batch
                    batch = _Batch()
            batch.bytes_read = _place_in(raw)
            yield batch
    except (OSError, EOFError, zlib.error) as error:
        if number:
            yield batch
        taken = f"; the {number} lines before the damage were imported" if number else ""
        raise BadInputError(f"{path} cannot be read to its end: {error}{taken}") from error


def _take(batch: _Batch, number: int, line: bytes, read_message: ReadMessage) -> None:
    batch.lines += 1
    text = line.removeprefix(codecs.BOM_UTF8).strip() if number == 1 else line.strip()
    if not text:
        return
    try:
        batch.add(number, read_message(text))
    except BadEvent as bad:
        batch.refuse(number, bad)


def _bounded(lines: IO[bytes]) -> Iterator[bytes]:
    """Lines of bounded length: the rest of a longer line is skipped without holding it in memory."""
    while line := lines.readline(EVENT_BYTES_MAX + 2):
        yield line
        while len(line) > EVENT_BYTES_MAX and not line.endswith(b"\n"):
            line = lines.readline(EVENT_BYTES_MAX)
            if not line:
                return


def _lines_of(raw: BufferedReader) -> IO[bytes]:
    """The lines of a file. The format follows from the content, not from the file's name."""
    is_gzip = raw.peek(2)[:2] == b"\x1f\x8b"
    lines = BufferedReader(GzipFile(fileobj=raw)) if is_gzip else raw
    if lines.peek(1)[:1] != b"[":
        return lines
    text = lines.read(ARRAY_BYTES_MAX + 1)
    try:
        items = msgspec.json.decode(text if len(text) <= ARRAY_BYTES_MAX else b"", type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise OSError(f"a JSON array, but not a whole one of at most {ARRAY_BYTES_MAX} bytes: {error}") from error
    return BytesIO(b"".join(msgspec.json.format(bytes(item), indent=-1) + b"\n" for item in items))


def _place_in(raw: BufferedReader) -> int:
    try:
        return raw.tell()
    except OSError:  # a pipe has no places
        return 0


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror}") from error
