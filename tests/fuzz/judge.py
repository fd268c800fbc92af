"""One case run and judged: what came of it, its time, its memory."""

from __future__ import annotations

import re
import shutil
import time
import traceback
from pathlib import Path

from .case import FINE, Case, Target, Verdict

MOST_SECONDS = 2.0
MOST_BYTES = 300 << 20
LONGEST = 2000  # letters of a sentence
# words of Python, torch and numpy that tell a user nothing; in brackets after a sentence they may stand
INNER = re.compile(
    r"invalid literal|could not convert|cannot convert|values to unpack|integer string conversion|embedded null|"
    r"math domain|"
    r"surrogates not allowed|codec can't|object at 0x|index out of range|'NoneType' object|must be real number|"
    r"is not in list|unhashable|positional argument|size mismatch|shape '\["
)


def judge(target: Target, case: Case, folder: Path) -> Verdict:
    """Run a case in ``folder``, which is emptied first, and say what came of it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, data in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    before, began = _forget_peak(), time.process_time()
    kind, text = _outcome(target, case, folder)
    seconds = time.process_time() - began
    growth = max(0, _peak() - before)
    if kind in FINE and seconds > MOST_SECONDS:
        kind, text = "slow", f"{kind}: {text}"
    elif kind in FINE and growth > MOST_BYTES:
        kind, text = "large", f"{kind}: {text}"
    return Verdict(kind, text, seconds, growth)


def _outcome(target: Target, case: Case, folder: Path) -> tuple[str, str]:
    import torch

    try:
        found = target.run(case, folder)
        for tensor in found or ():
            if isinstance(tensor, torch.Tensor) and not bool(torch.isfinite(tensor.float()).all()):
                return "not finite", f"a result of shape {tuple(tensor.shape)}"
    except ValueError as error:
        wrong = wrong_words(str(error))
        return ("words", f"{wrong}: {str(error)[:LONGEST]}") if wrong else ("refused", str(error))
    except (Exception, SystemExit, KeyboardInterrupt):
        return "foreign", traceback.format_exc()[-4000:]
    return "accepted", ""


def wrong_words(text: str) -> str:
    """Why a message is not a sentence for people, or nothing."""
    if not 10 <= len(text) <= LONGEST:
        return f"{len(text)} letters"
    if "\n" in text:
        return "several lines"
    inner = INNER.search(text)
    if inner and "(" not in text[: inner.start()]:
        return "words of a library"
    return ""


def _forget_peak() -> int:
    """Bytes in use; from here on the peak is counted anew, where the system can do that."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _peak()  # no /proc, or closed: the largest so far
    return _status("VmRSS")


def _peak() -> int:
    try:
        return _status("VmHWM")
    except OSError:
        pass
    try:
        import resource
        import sys
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _status(name: str) -> int:
    with open("/proc/self/status", "rb") as file:
        for line in file:
            if line.startswith(name.encode()):
                return int(line.split()[1]) << 10
    raise OSError(name)
