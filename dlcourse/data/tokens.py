"""From text to arrays of integers and back: splitting, numbering, padding. Chapters: 17_rnn, 22_text."""

import numpy as np

from dlcourse.checks import expect_counts, expect_indices

SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")
PAD, BOS, EOS, UNK = range(4)


def words(text):
    """Split at white space, in lower case: the simplest tokeniser."""
    return text.lower().split()


class Vocabulary:
    """Numbers for tokens: the special ones first, then those of `texts` in the order of their first use.

    texts  lists of tokens (for characters, strings)
    """

    def __init__(self, texts):
        found = [token for text in _iterable("texts", texts) for token in _expect_text("texts", text)]
        self.tokens = list(dict.fromkeys([*SPECIAL, *found]))
        self.numbers = {token: number for number, token in enumerate(self.tokens)}

    def __len__(self):
        return len(self.tokens)

    def encode(self, text):
        """Return the numbers of a list of tokens; unknown tokens become UNK."""
        return [self.numbers.get(token, UNK) for token in _expect_text("text", text)]

    def decode(self, numbers):
        """Return the tokens up to <eos>, without the special ones."""
        numbers = expect_indices("decode", "numbers", numbers, len(self), "N").tolist()
        if EOS in numbers:
            numbers = numbers[: numbers.index(EOS)]
        return [self.tokens[number] for number in numbers if number not in (PAD, BOS)]


def _iterable(name, value):
    try:
        return iter(value)
    except TypeError:
        raise TypeError(f"Vocabulary: expected {name}, tokens one after another, got {value!r:.40}") from None


def _expect_text(name, text):
    """Return the tokens of a text as a list; TypeError unless each is a string."""
    text = list(_iterable(name, text))
    for token in text:
        if not isinstance(token, str):
            raise TypeError(f"Vocabulary: expected {name} of strings, got {token!r:.40}")
    return text


def pad(rows, length=None):
    """Return tokens (N, T), filled up with PAD on the right, and lengths (N,); T is the longest or `length`.

    Raises ValueError for an empty row, or one longer than `length`.
    """
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    if lengths.size == 0 or lengths.min() == 0:
        raise ValueError("pad: expected rows of at least one token, got an empty one")
    if length is not None:
        expect_counts("pad", length=length)
    width = lengths.max() if length is None else length
    if lengths.max() > width:
        raise ValueError(
            f"pad: expected at most {width} tokens, got {lengths.max()} in row {lengths.argmax()}"
        )
    tokens = np.full((len(lengths), width), PAD, dtype=np.int64)
    for row, target in zip(rows, tokens):
        target[: len(row)] = expect_indices("pad", "tokens", row, None, "T")
    return tokens, lengths


def padding_mask(lengths, width):
    """Return (N, width): True where a position is padding."""
    expect_counts("padding_mask", width=width)
    return np.arange(width) >= expect_indices("padding_mask", "lengths", lengths, width + 1, "N")[:, None]


def teacher_forcing(rows, length=None):
    """Return what a decoder is fed, <bos> and the row, and what it should say, the row and <eos>; (N, T)."""
    fed, _ = pad([[BOS, *row] for row in rows], length)
    wanted, _ = pad([[*row, EOS] for row in rows], length)
    return fed, wanted
