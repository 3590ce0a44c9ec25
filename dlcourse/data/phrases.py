"""1,800 English phrases and their French translations, from a small table. Chapter: 22_text.

French agrees in gender, puts some adjectives before the noun and some behind it, and "the tree" is one of the
words whose article is cut: more than a word-by-word dictionary can do.
"""

from itertools import product

from dlcourse.checks import expect_counts, expect_rng

SUBJECTS = {  # English -> (article and noun, feminine)
    "cat": ("le", "chat", False),
    "dog": ("le", "chien", False),
    "boy": ("le", "garçon", False),
    "girl": ("la", "fille", True),
    "mouse": ("la", "souris", True),
    "cow": ("la", "vache", True),
}
ADJECTIVES = {  # English -> (masculine, feminine, before the noun)
    "": ("", "", True),
    "small": ("petit", "petite", True),
    "big": ("grand", "grande", True),
    "black": ("noir", "noire", False),
    "white": ("blanc", "blanche", False),
}
VERBS = {  # English -> (masculine, feminine): with être the participle agrees, with avoir it does not
    "sat": ("s' est assis", "s' est assise"),
    "fell": ("est tombé", "est tombée"),
    "slept": ("a dormi", "a dormi"),
    "played": ("a joué", "a joué"),
}
PREPOSITIONS = {"on": "sur", "under": "sous", "behind": "derrière"}
PLACES = {"mat": "le tapis", "bed": "le lit", "table": "la table", "chair": "la chaise", "tree": "l' arbre"}

EXAMPLE = "the cat sat on the mat"


def phrases():
    """Return all pairs (English, French), each a list of words."""
    table = product(SUBJECTS, ADJECTIVES, VERBS, PREPOSITIONS, PLACES)
    return [(_english(*row).split(), _french(*row).split()) for row in table]


def split_phrases(held_out=360, *, rng):
    """Return pairs for training and held-out pairs; the first of these is EXAMPLE."""
    pairs = phrases()
    expect_counts("split_phrases", 0, held_out=held_out)
    if held_out > len(pairs):
        raise ValueError(f"split_phrases: expected held_out ≤ {len(pairs)}, got {held_out}")
    pairs = [pairs[i] for i in expect_rng("split_phrases", rng).permutation(len(pairs))]
    pairs.sort(key=lambda pair: pair[0] != EXAMPLE.split())  # stable: the others stay shuffled
    return pairs[held_out:], pairs[:held_out]


def alignment(english, french):
    """Return for each French word the place of the English word that it translates.

    "s' est assis" belongs to "sat" as a whole, and each article to "the" of its own noun.
    """
    verb, place = len(english) - 4, len(english) - 1
    nouns = {noun for _, noun, _ in SUBJECTS.values()}
    middle = []
    for word in french[1:-3]:
        described = verb == 3 and word in ADJECTIVES[english[1]][:2]
        middle.append(verb - 1 if word in nouns else 1 if described else verb)
    return [0, *middle, place - 2, place - 1, place]


def _english(subject, adjective, verb, preposition, place):
    return f"the {adjective} {subject} {verb} {preposition} the {place}"


def _french(subject, adjective, verb, preposition, place):
    article, noun, feminine = SUBJECTS[subject]
    word, before = ADJECTIVES[adjective][feminine], ADJECTIVES[adjective][2]
    who = f"{article} {word} {noun}" if before else f"{article} {noun} {word}"
    return f"{who} {VERBS[verb][feminine]} {PREPOSITIONS[preposition]} {PLACES[place]}"
