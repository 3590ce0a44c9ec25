"""The generated problems: shapes, seeds, and what each promises."""

import math
import re
from collections import Counter

import numpy as np
import pytest
import torch

from dlcourse.data import augment, dates, grammar, mixture, phrases, sequences, series, textbook, tokens
from dlcourse.data.glyphs import DOTS, glyphs


@pytest.fixture
def rng():
    return np.random.default_rng(0)


SEEDED = [
    lambda rng: sequences.shift(9, rng=rng)[0],
    lambda rng: sequences.recall(9, rng=rng)[0],
    lambda rng: sequences.adding(9, rng=rng)[0],
    lambda rng: sequences.sum_mod(9, rng=rng)[0],
    lambda rng: sequences.max_of_three(9, rng=rng)[0],
    lambda rng: sequences.reversal(9, rng=rng),
    lambda rng: dates.date_pairs(dates.split_days(rng=rng)[1][:9], rng=rng),
    lambda rng: mixture.two_gaussians(9, rng=rng),
    lambda rng: phrases.split_phrases(rng=rng)[0][:9],
    lambda rng: grammar.text(99, rng=rng),
    lambda rng: series.seasonal(99, rng=rng),
    lambda rng: series.random_walk(9, rng=rng),
    lambda rng: glyphs(9, rng=rng)[0],
]


@pytest.mark.parametrize("make", SEEDED)
def test_the_seed_decides(make):
    a, b, c = (make(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b
    assert not np.array_equal(a, c) if isinstance(a, np.ndarray) else a != c


def test_textbook():
    assert (textbook.MAX_TRIPLES.max(axis=1) == textbook.MAX_TARGETS).all()
    assert sum(x * x for x in range(10**6)) == textbook.SUM_OF_SQUARES
    table = np.array(list(textbook.LANGUAGES.values()))
    assert table.shape == (20, 3) and (table.min(axis=0) == 1).all()  # ratios to the best of each column
    assert (np.diff(table[:, 0]) > 0).all()  # sorted by energy
    assert (np.abs(textbook.GAN_SAMPLES[:, 0]) < 1).sum() == 6


def test_sequences(rng):
    x, y = sequences.shift(11, 7, 6, rng=rng)
    assert x.shape == y.shape == (11, 7) and set(x.flat) == set(range(6))
    assert ((y - x) % 6 == 1).all()
    x, first = sequences.recall(11, 7, rng=rng)
    assert (x[:, 0] == first).all() and x.shape == (11, 7)
    x, y = sequences.sum_mod(500, 7, rng=rng)
    assert (y[:, -1] == x.sum(axis=1) % 5).all() and (y[:, 0] == x[:, 0] % 5).all() and x.max() == 9
    points, largest = sequences.max_of_three(500, rng=rng)
    assert points.shape == (500, 3) and (largest == points.max(axis=1)).all() and 9 < points.max() < 10


def test_adding(rng):
    x, y = sequences.adding(1000, 50, rng=rng)
    marks = x[:, :, 1]
    assert (
        x.shape == (1000, 50, 2)
        and (marks[:, :25].sum(axis=1) == 1).all()
        and (marks[:, 25:].sum(axis=1) == 1).all()
    )
    assert y == pytest.approx((x[:, :, 0] * marks).sum(axis=1))
    assert ((y - 1) ** 2).mean() == pytest.approx(1 / 6, rel=0.1)  # what always answering 1 costs
    with pytest.raises(ValueError, match="expected length ≥ 2, got 1"):
        sequences.adding(3, 1, rng=rng)


def test_one_hot():
    assert sequences.one_hot([[2, 0]], 3, np.float32).tolist() == [[[0, 0, 1], [1, 0, 0]]]
    with pytest.raises(ValueError, match="one_hot: expected indices in 0 … 2, got 3 in row 1"):
        sequences.one_hot([1, 3], 3)


def test_reversal(rng):
    pairs = sequences.reversal(500, rng=rng)
    assert {len(word) for word, _ in pairs} == set(range(2, 9))
    assert all(back == word[::-1] for word, back in pairs)
    assert {letter for word, _ in pairs for letter in word} == set("abcdefghij")
    with pytest.raises(ValueError, match="expected 1 ≤ low ≤ high and alphabet ≤ 26, got 5, 2, 10"):
        sequences.reversal(1, 5, 2, rng=rng)


def test_tokens():
    texts = [tokens.words("The cat  sat"), tokens.words("the dog")]
    vocabulary = tokens.Vocabulary(texts)
    assert vocabulary.tokens == ["<pad>", "<bos>", "<eos>", "<unk>", "the", "cat", "sat", "dog"]
    assert vocabulary.encode(["the", "cow"]) == [4, tokens.UNK]
    assert vocabulary.decode(np.array([1, 4, 5, 2, 6])) == ["the", "cat"]
    rows = [vocabulary.encode(text) for text in texts]
    padded, lengths = tokens.pad(rows)
    assert padded.tolist() == [[4, 5, 6], [4, 7, 0]] and lengths.tolist() == [3, 2]
    assert tokens.padding_mask(lengths, 3).tolist() == [[False] * 3, [False, False, True]]
    fed, wanted = tokens.teacher_forcing(rows)
    assert fed.tolist() == [[1, 4, 5, 6], [1, 4, 7, 0]]
    assert wanted.tolist() == [[4, 5, 6, 2], [4, 7, 2, 0]]
    assert tokens.pad(rows, 5)[0].shape == (2, 5)
    with pytest.raises(ValueError, match="expected at most 2 tokens, got 3 in row 0"):
        tokens.pad(rows, 2)
    for empty in ([], [[1], []]):
        with pytest.raises(ValueError, match="expected rows of at least one token"):
            tokens.pad(empty)


def test_dates(rng):
    train, held_out = dates.split_days(rng=rng)
    assert len(held_out) == 2000 and sorted(train + held_out) == list(range(dates.DAYS))
    assert dates.date_pairs([dates.DAYS - 1], rng=rng)[0][1] == "31 december 2049"
    leap = 18321  # 29 February 2000
    notations = {source for source, _ in dates.date_pairs([leap] * 50, rng=rng)}
    assert notations == {"2000-02-29", "29/02/2000", "feb 29 2000"}
    assert dates.date_pairs([leap], rng=rng)[0][1] == "29 february 2000"


def test_mixture(rng):
    points = mixture.two_gaussians(20_000, rng=rng)
    found = mixture.quality(points)
    assert found["within_3_sigma"] == pytest.approx(1 - math.exp(-4.5), abs=0.004)
    assert found["right"] == pytest.approx(0.5, abs=0.02) and np.abs(found["stds"] - 0.5).max() < 0.02
    assert mixture.passes(points)
    halves = mixture.two_gaussians(101, rng=rng, halves=True)
    assert (halves[:50, 0] < 0).all() and (halves[50:, 0] > 0).all()
    one_sided = np.where(points[:, :1] > 0, points, -points)
    tight = mixture.CENTRES[(points[:, 0] > 0).astype(int)] + 0.3 * (points - np.sign(points[:, :1]) * [2, 0])
    assert (
        not mixture.passes(one_sided) and not mixture.passes(tight) and not mixture.passes(points * [0.5, 1])
    )
    assert mixture.quality(textbook.GAN_SAMPLES)["within_3_sigma"] == 0.6


def test_phrases(rng):
    pairs = phrases.phrases()
    english = {" ".join(source) for source, _ in pairs}
    assert len(pairs) == len(english) == 1800
    french = {" ".join(source): " ".join(target) for source, target in pairs}
    assert french[phrases.EXAMPLE] == "le chat s' est assis sur le tapis"
    assert french["the small girl fell under the tree"] == "la petite fille est tombée sous l' arbre"
    assert french["the black mouse slept behind the bed"] == "la souris noire a dormi derrière le lit"
    train, held_out = phrases.split_phrases(rng=rng)
    assert len(train) == 1440 and len(held_out) == 360 and held_out[0][0] == phrases.EXAMPLE.split()
    assert {" ".join(source) for source, _ in train + held_out} == english
    for words in zip(*train):  # every word of the held-out phrases was seen
        known = {word for row in words for word in row}
        assert all(word in known for pair in held_out for word in pair[0 if "the" in known else 1])


@pytest.mark.parametrize(
    "english, french, expected",
    [
        (phrases.EXAMPLE, "le chat s' est assis sur le tapis", [0, 1, 2, 2, 2, 3, 4, 5]),
        (
            "the black cow fell under the tree",
            "la vache noire est tombée sous l' arbre",
            [0, 2, 1, 3, 3, 4, 5, 6],
        ),
        ("the small boy played on the bed", "le petit garçon a joué sur le lit", [0, 1, 2, 3, 3, 4, 5, 6]),
    ],
)
def test_each_french_word_has_its_english_one(english, french, expected):
    assert (english.split(), french.split()) in phrases.phrases()
    assert phrases.alignment(english.split(), french.split()) == expected


def test_every_alignment_is_complete():
    for english, french in phrases.phrases():
        places = phrases.alignment(english, french)
        assert len(places) == len(french) and set(places) == set(range(len(english)))


def test_grammar(rng):
    text = grammar.text(40_000, rng=rng)
    assert len(text) == 40_000
    sentences = text[: text.rindex(".")].split(". ")
    noun_phrase, place = r"the (\w+ )?\w+", r"(behind|by|near|under) the \w+"
    rules = [
        rf"{noun_phrase} \w+ {noun_phrase}",
        rf"\w+ \w+, {noun_phrase} \w+ {noun_phrase} {place}",
        rf"{noun_phrase} \w+ {place}",
        rf"{noun_phrase} \w+ {noun_phrase} and \w+ {place}",
    ]
    assert all(any(re.fullmatch(rule, sentence) for rule in rules) for sentence in sentences)
    assert sum("," in sentence for sentence in sentences) / len(sentences) == pytest.approx(0.25, abs=0.05)
    mean = len(text) / text.count(".")
    lengths = grammar.entropy_per_character()
    assert 0.4 < lengths < 0.55
    assert _bits_by_counting(rng) / mean == pytest.approx(lengths, rel=0.03)


def _bits_by_counting(rng):
    """The entropy of a sentence from the frequencies of the choices in it, without the formula."""
    bits = 0.0
    sentences = [grammar.sentence(rng=rng) for _ in range(4000)]
    for sentence in sentences:
        words = sentence.rstrip(".").replace(",", "").split()
        rule = 0.25 if "," in sentence else 0.35 if not set(words) & set(grammar.PREPOSITIONS) else 0.2
        bits += -math.log2(rule)
        for word in words:
            for choices in (
                grammar.NOUNS,
                grammar.VERBS,
                grammar.ALONE,
                grammar.PLACES,
                grammar.ADJECTIVES,
                grammar.PREPOSITIONS,
            ):
                bits += math.log2(len(choices)) if word in choices else 0
            bits += word in grammar.NOUNS  # with or without an adjective
        bits += math.log2(len(grammar.TIMES)) if "," in sentence else 0
    return bits / len(sentences)


def test_word_lists_do_not_overlap():
    lists = (
        grammar.ADJECTIVES,
        grammar.NOUNS,
        grammar.VERBS,
        grammar.ALONE,
        grammar.PREPOSITIONS,
        grammar.PLACES,
    )
    counts = Counter(word for words in lists for word in words)
    assert set(counts.values()) == {1}
    assert [len(words) for words in lists] == [10, 14, 10, 6, 4, 10] and len(grammar.TIMES) == 6


def test_seasonal_series_and_its_floor(rng):
    y = series.seasonal(20_000, rng=rng)
    t = np.arange(20_000)
    day, week = 2 * np.pi * t / 24, 2 * np.pi * t / 168
    noise = y - 0.001 * t - np.sin(day) - 0.5 * np.cos(2 * day) - 0.8 * np.sin(week)
    assert (noise[1:] - series.MEMORY * noise[:-1]).std() == pytest.approx(series.NOISE, rel=0.02)
    assert noise.std() == pytest.approx(series.NOISE / math.sqrt(1 - series.MEMORY**2), rel=0.05)
    assert series.seasonal(rng=rng).shape == (1200,)


def test_windows():
    x, y = series.windows(np.arange(6.0), 3)
    assert x.tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4]] and y.tolist() == [3, 4, 5]
    with pytest.raises(ValueError, match="windows: expected a series longer than width 3, got shape"):
        series.windows(np.zeros(3), 3)
    with pytest.raises(ValueError, match=r"windows: expected series of shape \(n,\), got \(9, 2\)"):
        series.windows(np.zeros((9, 2)), 3)


def test_random_walk(rng):
    prices = series.random_walk(10_000, rng=rng, start=50.0)
    assert prices[0] == 50 and np.diff(np.log(prices)).std() == pytest.approx(0.02, rel=0.03)


def test_glyphs(rng):
    images, labels = glyphs(300, rng=rng, dtype=np.float32)
    assert images.shape == (300, 1, 28, 28) and images.dtype == np.float32
    assert images.min() == 0 and images.max() == 1 and set(labels) == set(range(10))
    clean, labels = glyphs(300, rng=rng, noise=0)
    border = np.ones((28, 28), bool)
    border[1:-1, 1:-1] = False
    assert clean[:, 0, border].max() < 0.6  # nothing is cut off
    means = np.stack([clean[labels == digit, 0].mean(axis=0) for digit in range(10)])
    nearest = ((clean - means[None]) ** 2).sum(axis=(2, 3)).argmin(axis=1)
    assert (nearest == labels).mean() > 0.6  # the classes can be told apart, but not by a mean image alone
    assert glyphs(0, rng=rng)[0].shape == (0, 1, 28, 28)
    assert len({dots.tobytes() for dots in DOTS}) == 10


def test_augmentation(rng):
    images = rng.random((50, 2, 5, 7)).astype(np.float32)
    moved = augment.shifted(images, 1, rng=rng)
    assert moved.shape == images.shape and moved.dtype == np.float32
    padded = torch.nn.functional.pad(torch.from_numpy(images), (1, 1, 1, 1)).numpy()
    options = [[padded[n, :, i : i + 5, j : j + 7] for i in range(3) for j in range(3)] for n in range(50)]
    chosen = [[(moved[n] == option).all() for option in options[n]] for n in range(50)]
    assert (np.sum(chosen, axis=1) == 1).all() and np.any(chosen, axis=0).all()  # each of nine, sometime
    mirrored = augment.flipped(images, rng=rng)
    turned = (mirrored == images[..., ::-1]).all(axis=(1, 2, 3))
    assert ((mirrored == images).all(axis=(1, 2, 3)) != turned).all() and 15 < turned.sum() < 35
    assert (augment.noisy(images, 0.1, rng=rng) - images).std() == pytest.approx(0.1, rel=0.05)
    assert augment.noisy(images, rng=rng).dtype == np.float32


def test_sliced_distance(rng):
    points = rng.normal(size=(500, 2))
    assert mixture.sliced_distance(points, points[::-1], rng=rng) == 0  # the order of rows does not matter
    moved = mixture.sliced_distance(points, points + [3.0, 4.0], rng=rng, directions=20_000)
    assert moved == pytest.approx(5 * 2 / np.pi, rel=0.02)  # the mean of |cos| is 2/π
    with pytest.raises(ValueError, match=r"expected b of shape \(500, 2\), got \(499, 2\)"):
        mixture.sliced_distance(points, points[:-1], rng=rng)
