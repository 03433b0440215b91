"""What a language model learns from: the embedded corpus, Shakespeare's plays, or any text file."""

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from elk_sandbox.terminal import InputError

__all__ = ["LOCAL_COPY", "STAGE_CHARACTERS", "Corpus", "load"]

STAGE_CHARACTERS = 4_000_000
LOCAL_COPY = "RLHF_LAB_SHAKESPEARE"  # environment variable: a file to read in place of the download
HOME = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


@dataclass(frozen=True)
class Corpus:
    """A text whose documents are separated by blank lines."""

    name: str  # stage, shakespeare, or the file's path
    text: str
    sha256: str  # of the text in UTF-8

    def split(self) -> tuple[str, str]:
        """The customary split: the first 90 % of the characters for training, the last 10 % for validation."""
        middle = len(self.text) * 9 // 10
        return self.text[:middle], self.text[middle:]


def load(name_or_path: str, *, seed: int = 0, size: int | None = None) -> Corpus:
    """Return the corpus `stage` (made from the seed, at least `size` characters), `shakespeare`, or a UTF-8 text file.

    Shakespeare comes from the file that $RLHF_LAB_SHAKESPEARE names, else from the user's cache, filled from its public
    home once. Raises InputError for a file that is missing, empty or no text, a wrong hash, and no network.
    """
    if name_or_path == "stage":
        from rlhf_lab.stage import corpus_text

        return _corpus("stage", corpus_text(seed, STAGE_CHARACTERS if size is None else size))
    if name_or_path == "shakespeare":
        return _shakespeare()
    path = Path(name_or_path).expanduser()
    if not path.exists():
        raise InputError(f"there is no file {name_or_path}: name a text file, or the corpus stage or shakespeare")
    return _corpus(name_or_path, _text(path))


def _corpus(name: str, text: str) -> Corpus:
    return Corpus(name, text, hashlib.sha256(text.encode()).hexdigest())


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as reason:
        raise InputError(f"{path} cannot be read: {reason.strerror}") from reason
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as reason:
        raise InputError(f"{path} is no text in UTF-8 (byte {reason.start}): convert it first") from reason
    if "\0" in text:
        raise InputError(f"{path} is a binary file (it holds a zero byte): name a text file")
    if not text.strip():
        raise InputError(f"{path} is empty: name a file with text")
    return text


def _shakespeare() -> Corpus:
    local = os.environ.get(LOCAL_COPY)
    path = Path(local).expanduser() if local else _downloaded()
    corpus = _corpus("shakespeare", _text(path))
    if corpus.sha256 != SHA256:
        raise InputError(
            f"{path} is not the text that {LOCAL_COPY} should name (sha256 {corpus.sha256[:12]}..., not "
            f"{SHA256[:12]}...): correct or unset it, or train on any text with --corpus PATH"
        )
    return corpus


def _downloaded() -> Path:
    """The file in the user's cache, fetched if it is not there or was altered."""
    import pooch
    import requests

    logging.getLogger("pooch").setLevel(logging.WARNING)
    cache = pooch.os_cache("rlhf-lab")
    aside = f"download it elsewhere and name the file by {LOCAL_COPY} or --corpus PATH, or use --corpus stage"
    try:
        return Path(pooch.retrieve(HOME, f"sha256:{SHA256}", "tinyshakespeare.txt", cache))
    except ValueError as reason:
        raise InputError(f"what {HOME} sent has the wrong sha256 and was thrown away: {aside}") from reason
    except requests.RequestException as reason:
        raise InputError(f"{HOME} cannot be reached ({type(reason).__name__}): {aside}") from reason
    except OSError as reason:
        raise InputError(f"the cache {cache} cannot be written ({reason.strerror}): {aside}") from reason
