#!/usr/bin/env python3
"""Writes a second implementation's G.711 µ-law tables for the tests of src/audio/mulaw.rs.

target/mulaw-table.bin: the code of each sample from -32768 to 32767, the sample (s16le) of each code from 0 to 255, and
the name of the implementation. That is Python's audioop (gone since 3.13), else sox.
"""

import array
import pathlib
import subprocess
import sys
import warnings

TARGET = pathlib.Path(__file__).resolve().parent.parent / "target" / "mulaw-table.bin"


def with_audioop(samples: bytes, codes: bytes) -> tuple[bytes, bytes, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import audioop
    return audioop.lin2ulaw(samples, 2), audioop.ulaw2lin(codes, 2), "audioop"


def with_sox(samples: bytes, codes: bytes) -> tuple[bytes, bytes, str]:
    wide = ["-t", "raw", "-r", "8000", "-c", "1", "-e", "signed", "-b", "16", "-L", "-"]
    narrow = ["-t", "ul", "-r", "8000", "-c", "1", "-"]

    def sox(source: list[str], target: list[str], data: bytes) -> bytes:
        # -D: no dither, which would be noise in the table.
        return subprocess.run(["sox", "-D", *source, *target], input=data, stdout=subprocess.PIPE, check=True).stdout

    return sox(wide, narrow, samples), sox(narrow, wide, codes), "sox"


def main() -> None:
    samples = array.array("h", range(-32768, 32768))
    if sys.byteorder == "big":
        samples.byteswap()
    data, codes = samples.tobytes(), bytes(range(256))
    try:
        encoded, decoded, name = with_audioop(data, codes)
    except ImportError:
        encoded, decoded, name = with_sox(data, codes)
    if sys.byteorder == "big" and name == "audioop":
        swapped = array.array("h", decoded)
        swapped.byteswap()
        decoded = swapped.tobytes()
    assert len(encoded) == 65536 and len(decoded) == 512, (len(encoded), len(decoded))
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(encoded + decoded + name.encode())


main()
