"""Make the demonstration's recordings: the first lines of whole ones.

python -m app.demo.make tests/data/dev_crypto.events.jsonl.gz crypto --lines 14000

The cut leaves orders working and positions open, as a running service has them.
"""

import argparse
import gzip
from itertools import islice
from pathlib import Path


def main() -> None:
    """Write `NAME.events.jsonl.gz` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("name")
    parser.add_argument("--lines", type=int, required=True)
    given = parser.parse_args()
    with gzip.open(given.recording) as lines:
        kept = b"".join(islice(lines, given.lines))
    target = Path(__file__).parent / f"{given.name}.events.jsonl.gz"
    # No time stamp in the archive: the same recording makes the same bytes.
    target.write_bytes(gzip.compress(kept, compresslevel=9, mtime=0))
    print(f"{target.name}: {given.lines} lines, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
