"""Text from a small grammar, whose entropy is known: the floor for every language model. Chapter: 22_text.

    sentence  NP V NP                 0.35
              time, NP V NP place     0.25
              NP S place              0.20
              NP V NP and S place     0.20
    NP        "the" noun, or with probability 1/2 "the" adjective noun
    place     preposition "the" where

Every word is drawn uniformly from its list.
"""

import math

from dlcourse.checks import expect_counts, expect_rng

ADJECTIVES = ["brave", "clever", "gentle", "hungry", "lazy", "old", "proud", "quiet", "small", "young"]
NOUNS = [
    "badger",
    "crow",
    "deer",
    "fox",
    "goose",
    "hare",
    "heron",
    "mole",
    "moon",
    "otter",
    "owl",
    "shepherd",
    "toad",
    "wolf",
]
VERBS = ["chased", "feared", "followed", "found", "greeted", "heard", "helped", "missed", "saw", "taught"]
ALONE = ["danced", "laughed", "rested", "sang", "slept", "waited"]
TIMES = ["at dawn", "at noon", "at dusk", "in spring", "in autumn", "one night"]
PREPOSITIONS = ["behind", "by", "near", "under"]
PLACES = ["barn", "bridge", "cliff", "gate", "hill", "mill", "oak", "river", "tower", "wall"]

RULES = {"NP V NP": 0.35, "T NP V NP P": 0.25, "NP S P": 0.20, "NP V NP and S P": 0.20}


def sentence(*, rng):
    """Return one sentence, ending in a full stop."""
    rule = list(RULES)[expect_rng("sentence", rng).choice(len(RULES), p=list(RULES.values()))]
    return " ".join(_write(symbol, rng) for symbol in rule.split()) + "."


def text(characters, *, rng):
    """Return sentences with a space after each, at least `characters` long in all, cut there."""
    expect_counts("text", 0, characters=characters)
    expect_rng("text", rng)
    parts, length = [], 0
    while length < characters:
        parts.append(sentence(rng=rng) + " ")
        length += len(parts[-1])
    return "".join(parts)[:characters]


def entropy_per_character():
    """Return the bits that a perfect model needs per character: entropy of a sentence / its mean length."""
    bits = sum(p * (-math.log2(p) + sum(_bits(s) for s in rule.split())) for rule, p in RULES.items())
    length = sum(p * sum(_length(s) + 1 for s in rule.split()) for rule, p in RULES.items()) + 1  # full stop
    return bits / length


def _write(symbol, rng):
    def one(options):
        return options[rng.integers(len(options))]

    if symbol == "NP":
        return f"the {one(ADJECTIVES)} {one(NOUNS)}" if rng.random() < 0.5 else f"the {one(NOUNS)}"
    if symbol == "P":
        return f"{one(PREPOSITIONS)} the {one(PLACES)}"
    if symbol == "T":
        return f"{one(TIMES)},"
    return one(_LISTS[symbol])


_LISTS = {"V": VERBS, "S": ALONE, "and": ["and"]}


def _bits(symbol):
    if symbol == "NP":
        return 1 + math.log2(len(ADJECTIVES)) / 2 + math.log2(len(NOUNS))
    if symbol == "P":
        return math.log2(len(PREPOSITIONS) * len(PLACES))
    return math.log2(len(TIMES if symbol == "T" else _LISTS[symbol]))


def _length(symbol):
    """The mean number of characters that a symbol becomes."""

    def mean(options):
        return sum(map(len, options)) / len(options)

    if symbol == "NP":
        return len("the ") + (mean(ADJECTIVES) + 1) / 2 + mean(NOUNS)
    if symbol == "P":
        return mean(PREPOSITIONS) + len(" the ") + mean(PLACES)
    return mean(TIMES) + 1 if symbol == "T" else mean(_LISTS[symbol])
