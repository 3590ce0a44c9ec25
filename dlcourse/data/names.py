"""Sentences whose names are to be marked, where some words are names only at times. Chapter: 17_rnn.

All is in lower case, and "rose" is a flower behind an article: a table of words cannot mark it rightly.
"""

from dlcourse.checks import expect_counts, expect_rng

NAMES = ("anna", "ben", "clara", "david", "emma", "felix", "nora", "oscar")
BOTH = ("daisy", "ivy", "lily", "olive", "rose", "violet")  # names, and things that grow
THINGS = ("basket", "book", "chair", "cup", "garden", "letter", "picture", "tree")
VERBS = ("brought", "gave", "sent", "showed")
RULES = (
    ("N", "V", "the", "T", "to", "N"),
    ("N", "saw", "a", "T", "near", "the", "T"),
    ("the", "T", "of", "N", "is", "old"),
    ("did", "N", "and", "N", "like", "the", "T"),
    ("a", "T", "was", "all", "that", "N", "wanted"),
)


def tagged(n, *, rng):
    """Return n pairs of lists: the words of a sentence, and 1 for each that is a name, else 0.

    The words of BOTH take half of the places of names, and half of those of things.
    """
    expect_counts("tagged", 0, n=n)
    expect_rng("tagged", rng)
    pairs = []
    for rule in rng.integers(0, len(RULES), n):
        words = [_word(symbol, rng) for symbol in RULES[rule]]
        pairs.append((words, [int(symbol == "N") for symbol in RULES[rule]]))
    return pairs


def _word(symbol, rng):
    choices = {"N": NAMES, "T": THINGS, "V": VERBS}.get(symbol)
    if choices is None:
        return symbol
    if symbol != "V" and rng.random() < 0.5:
        choices = BOTH
    return choices[rng.integers(len(choices))]
