#!/usr/bin/env python3
"""Checks that what the phone played is what the voice said.

    check_audio.py DIR              for each DIR/<name>.voice.s16 and DIR/<name>.phone.ulaw
    check_audio.py --self-test BIN  tries the check itself: on good sound, made by BIN too (24 kHz PCM in, µ-law out, by
                                    pipe), and on sound broken in ways that must be noticed

`voice.s16` is an utterance as the voice made it (24 kHz, 16-bit little-endian, mono), `phone.ulaw` the same as the phone
played it (8 kHz, µ-law). The voice is brought to 8 kHz by sox, which shares no code with what is tested. Then the two
must be one sound: the same length, one constant delay, the same loudness, and the same shape, on the whole and in each
part. Prints a table; exits with 1 when anything fails. Needs sox and numpy, and for the self-test espeak-ng.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

RATE = 8_000
FRAME = RATE // 50  # 20 ms
WINDOW = RATE // 10  # 100 ms

LENGTH = FRAME  # largest difference in length
WHOLE = 0.98  # least correlation of the whole
PART = 0.9  # least correlation of a voiced window
GAIN = 1.0  # largest difference in loudness of the whole, dB
FRAME_GAIN = 6.0  # ... and of a voiced frame: a frame lost in mid-word is far beyond
VOICED = -25.0  # dB below the loudest window or frame: what is softer counts as pause
REACH = RATE  # longest delay looked for


def sox(arguments: list[str], data: bytes) -> bytes:
    # -D: no dither, which would be noise. -V1: no warning where a peak is clipped.
    return subprocess.run(["sox", "-V1", "-D", *arguments], input=data, stdout=subprocess.PIPE, check=True).stdout


def raw(rate: int) -> list[str]:
    return ["-t", "raw", "-r", str(rate), "-c", "1", "-e", "signed", "-b", "16", "-L", "-"]


def samples(data: bytes) -> np.ndarray:
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(float)


def phone_samples(ulaw: bytes) -> np.ndarray:
    return samples(sox(["-t", "ul", "-r", str(RATE), "-c", "1", "-", *raw(RATE)], ulaw))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Of two sounds that have no constant part."""
    power = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / power) if power else 0.0


def delay_of(voice: np.ndarray, phone: np.ndarray) -> int:
    """By how many samples `phone` is behind, where the two are most alike."""
    size = 1 << (len(voice) + len(phone)).bit_length()
    product = np.fft.irfft(np.fft.rfft(phone, size) * np.conj(np.fft.rfft(voice, size)), size)
    shifts = np.arange(-REACH, REACH + 1)
    return int(shifts[np.argmax(product[shifts % size])])


def aligned(voice: np.ndarray, phone: np.ndarray, delay: int) -> tuple[np.ndarray, np.ndarray]:
    """The two on one timeline, silence where one of them has nothing."""
    voice = np.pad(voice, (max(delay, 0), 0))
    phone = np.pad(phone, (max(-delay, 0), 0))
    size = max(len(voice), len(phone))
    return np.pad(voice, (0, size - len(voice))), np.pad(phone, (0, size - len(phone)))


def level(sound: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(sound**2) + 1))


def voiced(sound: np.ndarray, size: int, step: int) -> list[slice]:
    """The stretches of `size` in which there is speech."""
    cuts = [slice(at, at + size) for at in range(0, len(sound) - size + 1, step)]
    levels = [level(sound[cut]) for cut in cuts]
    return [cut for cut, here in zip(cuts, levels) if here > max(levels) + VOICED]


def compare(voice24: bytes, ulaw: bytes) -> tuple[dict[str, str], list[str]]:
    """The row of the table, and what is wrong."""
    phone = phone_samples(ulaw)
    if not np.any(phone):
        return {}, ["the phone heard nothing"]
    # A delay is in 24ths of a millisecond: the voice is looked at from its three places within a sample.
    best = None
    for late in range(3):
        narrow = samples(sox([*raw(3 * RATE), *raw(RATE)], bytes(2 * late) + voice24))
        delay = delay_of(narrow, phone)
        a, b = aligned(narrow, phone, delay)
        if best is None or correlation(a, b) > best[0]:
            best = (correlation(a, b), a, b, delay + late / 3)
    whole, a, b, delay = best

    wrong = []
    longer = len(phone) - len(voice24) / 6
    if abs(longer) > LENGTH:
        wrong.append(f"length differs by {longer / RATE * 1000:+.0f} ms")
    if whole < WHOLE:
        wrong.append(f"correlation of the whole is {whole:.3f}")
    gain = level(b) - level(a)
    if abs(gain) > GAIN:
        wrong.append(f"loudness differs by {gain:+.1f} dB")
    windows = voiced(a, WINDOW, WINDOW // 2)
    parts = [correlation(a[cut], b[cut]) for cut in windows]
    for cut, part in zip(windows, parts):
        if part < PART:
            wrong.append(f"correlation is {part:.3f} at {cut.start / RATE:.2f} s")
            break
    for cut in voiced(a, FRAME, FRAME):
        here = level(b[cut]) - level(a[cut])
        if abs(here) > FRAME_GAIN:
            wrong.append(f"loudness differs by {here:+.1f} dB at {cut.start / RATE:.2f} s")
            break
    row = {
        "seconds": f"{len(phone) / RATE:.2f}",
        "longer ms": f"{longer / RATE * 1000:+.1f}",
        "delay ms": f"{delay / RATE * 1000:+.2f}",
        "gain dB": f"{gain:+.2f}",
        "whole": f"{whole:.4f}",
        "worst part": f"{min(parts, default=0):.4f}",
        "parts": str(len(parts)),
    }
    return row, wrong


def show(rows: list[tuple[str, dict[str, str], str]]) -> None:
    columns = ["seconds", "longer ms", "delay ms", "gain dB", "whole", "worst part", "parts"]
    lines = [["sound", *columns, ""]]
    lines += [[name, *(row.get(column, "-") for column in columns), verdict] for name, row, verdict in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    for name, *cells, verdict in lines:
        cells = [cell.rjust(width) for cell, width in zip(cells, widths[1:])]
        print(name.ljust(widths[0]), *cells, verdict, sep="  ")


def check(folder: pathlib.Path) -> bool:
    names = {path.name.removesuffix(end) for end in (".voice.s16", ".phone.ulaw") for path in folder.glob(f"*{end}")}
    if not names:
        print(f"{folder} has no sounds", file=sys.stderr)
        return False
    rows = []
    for name in sorted(names):
        voice, phone = folder / f"{name}.voice.s16", folder / f"{name}.phone.ulaw"
        absent = [path.name for path in (voice, phone) if not path.exists()]
        row, wrong = ({}, [f"{absent[0]} is missing"]) if absent else compare(voice.read_bytes(), phone.read_bytes())
        rows.append((name, row, "; ".join(wrong) or "ok"))
    show(rows)
    return all(verdict == "ok" for *_, verdict in rows)


def self_test(converter: str) -> bool:
    text = "Your build is green. Shall I ship version six, or wait for the second review? Just say yes, or wait."
    spoken = subprocess.run(["espeak-ng", "--stdout", text], stdout=subprocess.PIPE, check=True).stdout
    voice = sox(["-t", "wav", "-", *raw(3 * RATE)], spoken)

    def to_ulaw(pcm: bytes, *effects: str) -> bytes:
        return sox([*raw(3 * RATE), "-t", "ul", "-r", str(RATE), "-c", "1", "-", *effects], pcm)

    good = to_ulaw(voice)
    ours = subprocess.run([converter], input=voice, stdout=subprocess.PIPE, check=True).stdout
    # The loudest frame, where a fault is heard best, and a soft but voiced one, where it hides best; away from the ends.
    sound = phone_samples(good)
    frames = [cut for cut in voiced(sound, FRAME, FRAME) if len(sound) // 4 < cut.start < len(sound) * 3 // 4]
    loudness = sorted((level(sound[cut]), cut.start) for cut in frames)
    loud, soft = loudness[-1][1], loudness[len(loudness) // 4][1]
    quiet, silence = b"\xff", b"\xff" * FRAME
    before, this, after = good[: loud - FRAME], good[loud : loud + FRAME], good[loud + FRAME :]
    swapped = before + this + good[loud - FRAME : loud] + after
    cases = {
        "good: by sox": (good, True),
        "good: by ours": (ours, True),
        "good: 10 ms late": (quiet * (FRAME // 2) + good, True),
        "bad: a frame dropped": (good[:loud] + good[loud + FRAME :], False),
        "bad: a soft frame dropped": (good[:soft] + good[soft + FRAME :], False),
        "bad: a frame twice": (good[:loud] + good[loud - FRAME : loud] + good[loud:], False),
        "bad: a frame of silence put in": (good[:soft] + silence + good[soft:], False),
        "bad: a frame silenced": (good[:loud] + silence + good[loud + FRAME :], False),
        "bad: a soft frame silenced": (good[:soft] + silence + good[soft + FRAME :], False),
        "bad: two frames swapped": (swapped, False),
        "bad: 2 % too fast": (to_ulaw(voice, "speed", "1.02"), False),
        "bad: three times too slow": (to_ulaw(sox([*raw(RATE), *raw(3 * RATE)], voice)), False),
        "bad: half as loud": (to_ulaw(voice, "vol", "0.5"), False),
        "bad: shorter by 100 ms": (good[: -5 * FRAME], False),
        "bad: bytes of samples swapped": (to_ulaw(voice[1:] + b"\0"), False),
        "bad: upside down": (bytes(code ^ 0x80 for code in good), False),
        "bad: silence": (quiet * len(good), False),
        "bad: nothing": (b"", False),
    }
    rows, wrong = [], []
    for name, (phone, passes) in cases.items():
        row, faults = compare(voice, phone)
        rows.append((name, row, "; ".join(faults) or "ok"))
        if passes == bool(faults):
            wrong.append(name)
    show(rows)
    print("\nThe same through files, as it is used:")
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        if check(root):
            wrong.append("an empty folder")
        (root / "a.voice.s16").write_bytes(voice)
        if check(root):
            wrong.append("a voice that no phone heard")
        (root / "a.phone.ulaw").write_bytes(ours)
        if not check(root):
            wrong.append("good files")
    for name in wrong:
        print(f"judged wrongly: {name}", file=sys.stderr)
    return not wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--self-test", metavar="BIN")
    arguments = parser.parse_args()
    if (arguments.folder is None) == (arguments.self_test is None):
        parser.error("give a folder, or --self-test")
    passed = self_test(arguments.self_test) if arguments.self_test else check(arguments.folder)
    sys.exit(0 if passed else 1)


main()
