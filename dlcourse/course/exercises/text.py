"""Exercises of 22_text: what is asked, which mistakes are known, and what to say about them."""

import math

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, Option, Order, Predict, Raises


def mistakes(function, table):
    """Mistakes that are one flag of `function(*case, **flags)` each: rows (name, flags, words)."""
    return tuple(
        Mistake(name=name, value=lambda case, flags=flags: function(*case, **flags), says=says)
        for name, flags, says in table
    )


# --- Words and numbers -----------------------------------------------------------------------------------


def merged(tokens, new, *, tie=min, once=False, right=False, rare=False, keep=False, apart=False, runs=False):
    pairs = list(zip(tokens, tokens[1:]))
    if not pairs:
        return list(tokens)
    counts = {pair: pairs.count(pair) for pair in pairs}
    if apart:  # pairs at even places alone
        counts = {pair: pairs[::2].count(pair) for pair in pairs[::2]}
    if runs:  # a pair that shares a token with its own last occurrence does not count
        counts = {pair: merged_by(tokens, pair, None).count(None) for pair in pairs}
    top = (min if rare else max)(counts.values())
    best = [pair for pair in counts if counts[pair] == top]
    pair = best[0] if tie == "first" else tie(best)
    if right:
        return merged_by(tokens[::-1], pair[::-1], new)[::-1]
    return merged_by(tokens, pair, new, once=once, keep=keep)


def merged_by(tokens, pair, new, *, once=False, keep=False):
    out, at, done = [], 0, False
    while at < len(tokens):
        if tuple(tokens[at : at + 2]) == pair and not done:
            out.append(new)
            at, done = at + (1 if keep else 2), once
        else:
            out.append(tokens[at])
            at += 1
    return out


def merge_main(cases):
    calls = [
        f'format!("{{:?}}", merge_pair(&[{", ".join(f"{t}u32" for t in tokens)}], {new}))'
        for tokens, new in cases
    ]
    return f'fn main() {{\n    println!("[{{}}]", [{", ".join(calls)}].join(","));\n}}'


rust_merge_pair = Exercise(
    name="rust_merge_pair",
    language="rust",
    difficulty=2,
    minutes=25,
    read="Words become numbers",
    program=merge_main,
    cases=lambda rng: [
        ((1, 2, 1, 2, 3), 9),
        ((5,), 9),
        ((), 9),
        ((4, 4, 4, 7), 9),
        ((3, 8, 1, 2, 3, 8, 1, 2), 50),
        ((7, 6, 5), 9),
        ((5, 5, 5, 8, 1, 8, 1), 50),
        *((tuple(int(t) for t in rng.integers(0, 3, 12)), 77) for _ in range(4)),
    ],
    expected=lambda case: merged(*case),
    hints=(
        "`tokens.windows(2)` gives all neighbours; `*counts.entry((w[0], w[1])).or_insert(0) += 1` counts.",
        "Of the counted pairs take the one with the largest count and, among equals, the smallest pair: "
        "`max_by_key(|&(pair, count)| (count, std::cmp::Reverse(pair)))`.",
        "Walk with an index: where the pair stands push `new`, move on by 2; else push the token, move by 1.",
    ),
    mistakes=mistakes(
        merged,
        (
            ("first-tie", {"tie": "first"}, "of equally frequent pairs take the smallest, not the first"),
            ("largest-tie", {"tie": max}, "of equally frequent pairs take the smallest, not the largest"),
            ("once", {"once": True}, "replace the pair wherever it stands, not only once"),
            ("from-right", {"right": True}, "replace from left to right: 4 4 4 becomes new 4"),
            ("rare", {"rare": True}, "you merged the rarest pair: the most frequent one is meant"),
            ("keeps-second", {"keep": True}, "the pair is replaced: after it, go on by two tokens"),
            ("runs", {"runs": True}, "overlapping pairs count too: 5 5 5 holds the pair 5 5 twice"),
            (
                "second-first",
                {"tie": lambda best: min(best, key=lambda pair: pair[::-1])},
                "among equally frequent pairs compare first members first",
            ),
            ("no-overlap", {"apart": True}, "count all neighbours, those at odd places too"),
        ),
    ),
)

decode_unknown = Predict(
    name="decode_unknown",
    difficulty=1,
    minutes=3,
    read="Words become numbers",
    question="The package's `Vocabulary` numbers four special tokens first, `<pad>`, `<bos>`, `<eos>` and "
    "`<unk>`, from 0, then words in the order of their first use. What does this print?",
    code="v = Vocabulary([['a', 'warm', 'film'], ['a', 'slow', 'film']])\n"
    "print(v.encode(['a', 'slow', 'clumsy', 'film']))",
    answer="[4, 7, 3, 6]",
    says="0 to 3 are `<pad>`, `<bos>`, `<eos>`, `<unk>`; a 4, warm 5, film 6, slow 7; clumsy is unknown, 3.",
    wrong={
        "[0, 3, 2, 2]": "Without the special tokens. They come first.",
        "[4, 7, 0, 6]": "0 is padding. A word that was never seen is `<unk>`, number 3.",
        "[4, 7, 6]": "The unknown word does not vanish: it becomes `<unk>`.",
        "[4, 8, 3, 6]": "The second `a` uses up no number.",
        "[4, 7, 8, 6]": "`encode` adds no words: what training did not show stays unknown.",
    },
)

# --- Padding ---------------------------------------------------------------------------------------------


def masked_mean(x, padding, *, mode="right"):
    real = ~padding
    if mode == "all":
        return x.mean(axis=1)
    if mode == "inverted":
        with np.errstate(all="ignore"):
            return np.where(padding[:, :, None], x, 0).sum(axis=1) / padding.sum(axis=1, keepdims=True)
    if mode == "product":
        with np.errstate(all="ignore"):
            return (x * real[:, :, None]).sum(axis=1) / real.sum(axis=1, keepdims=True)
    total = np.where(real[:, :, None], x, 0.0).sum(axis=1)
    if mode == "width":
        return total / x.shape[1]
    if mode == "batch":
        return total / real.sum() * len(x)
    if mode == "sum":
        return total
    if mode == "first":
        return x[:, 0]
    if mode == "prefix":
        return np.array([row[: keep.sum()].mean(axis=0) for row, keep in zip(x, real)])
    return total / real.sum(axis=1, keepdims=True)


def masked_cases(rng):
    cases = [(np.array([[[1.0], [3.0], [9.0]]]), np.array([[False, False, True]]))]
    for n, t, d in ((2, 4, 3), (3, 5, 2)):
        lengths = rng.permutation(t)[:n] + 1
        cases.append((rng.normal(size=(n, t, d)), np.arange(t) >= lengths[:, None]))
    dirty = rng.normal(size=(2, 3, 2))
    dirty[0, 2], dirty[1, 1:] = np.nan, np.inf
    scattered = rng.normal(size=(2, 4, 3)), np.array([[True, False, True, False], [True, True, False, False]])
    return [*cases, scattered, (dirty, np.array([[False, False, True], [False, True, True]]))]


masked_exercise = Exercise(
    name="masked_mean",
    difficulty=2,
    minutes=12,
    read="What padding lets through",
    cases=masked_cases,
    expected=lambda case: masked_mean(*case),
    hints=(
        "Two sums: that of the vectors which are no padding, and how many of them there are in each row.",
        "0 · nan is nan: choose with `np.where(padding[:, :, None], 0.0, x)` instead of multiplying.",
        "Divide the sum over axis 1, (N, D), by `(~padding).sum(axis=1, keepdims=True)`, (N, 1).",
    ),
    mistakes=mistakes(
        masked_mean,
        (
            ("all", {"mode": "all"}, "padding takes part in the mean: leave it out of the sum and the count"),
            ("inverted", {"mode": "inverted"}, "you averaged the padding: True marks what does *not* count"),
            ("width", {"mode": "width"}, "you divided by T: divide by the number of real places of each row"),
            ("batch", {"mode": "batch"}, "each row has a length of its own: count the real places per row"),
            ("sum", {"mode": "sum"}, "this is the sum: divide by the number of real places"),
            ("product", {"mode": "product"}, "0 · nan is nan and 0 · inf too: select with np.where"),
            (
                "prefix",
                {"mode": "prefix"},
                "padding may stand anywhere in a row: choose by the mask, not the count",
            ),
            ("first", {"mode": "first"}, "this is the first vector alone: the mean was asked for"),
        ),
    ),
)


def hide_words(tokens, luck, share, *, padding=False, into=3, strict=True, keep=False, special=True):
    hit = luck < share if strict else luck <= share
    if keep:
        hit = ~hit
    if not padding:
        hit = hit & (tokens != 0)
    if not special:
        hit = hit & (tokens > 3)
    return np.where(hit, into, tokens)


def hide_cases(rng):
    tokens = np.array([[4, 9, 2, 0], [5, 4, 0, 0], [7, 1, 8, 6]])
    luck = rng.random((3, 4))
    edge = np.array([[0.25, 0.1, 0.5, 0.0]])
    return [
        (tokens, luck, 0.5),
        (tokens, luck, 0.0),
        (tokens, luck, 1.0),
        (np.array([[4, 6, 5, 0]]), edge, 0.25),
    ]


hide_exercise = Exercise(
    name="hide_words",
    difficulty=1,
    minutes=8,
    read="Four kinds of new",
    cases=hide_cases,
    expected=lambda case: hide_words(*case),
    hints=(
        "Make a Boolean array of the places to hide first, then choose between two values.",
        "A place is hidden if its luck is *below* the share and its token is not 0.",
        "`np.where(hit, 3, tokens)` returns a new array and leaves `tokens` as it is.",
    ),
    mistakes=mistakes(
        hide_words,
        (
            ("padding", {"padding": True}, "padding became <unk>: the sentence would grow by unknown words"),
            ("into-one", {"into": 1}, "here <unk> has the number 3; 1 is the mark of the beginning, <bos>"),
            ("into-zero", {"into": 0}, "hidden words become <unk>, 3; 0 is padding, which is not even read"),
            ("keep", {"keep": True}, "you hid what should stay: `share` is the part that is hidden"),
            ("equal", {"strict": False}, "with share 0.25 a luck of exactly 0.25 is spared: use <, not <="),
            ("special", {"special": False}, "every token but padding may be hidden, the special 1 and 2 too"),
        ),
    ),
)

what_hundred_says = Choice(
    name="what_hundred_says",
    difficulty=1,
    minutes=3,
    read="An examination",
    question="A Transformer classifies its ten training sentences and six new ones without a mistake; "
    "every word of the six was seen. A bag of words does the same. What do we know? Tick all.",
    options=(
        Option(
            text="The task, as tested, can be solved without looking at word order.",
            says="Right: a bag of words solves it, and it has no order.",
            right=True,
        ),
        Option(
            text="The Transformer does not use word order.",
            says="Not known: it may or may not. The test cannot tell.",
        ),
        Option(
            text="The test says nothing about negated sentences.",
            says="Right: it has none.",
            right=True,
        ),
        Option(
            text="Attention was needed for the six.",
            says="No: something without attention got them right.",
        ),
        Option(
            text="The true accuracy on such sentences is 100 %.",
            says="No: after six of six, even a classifier that is right in 61 % of all cases is no surprise "
            "(0.61 to the sixth power is 5 %).",
        ),
    ),
)

# --- Translation -----------------------------------------------------------------------------------------

translate_order = Order(
    name="translate_order",
    difficulty=1,
    minutes=3,
    read="Two stacks",
    question="A trained Transformer translates one sentence, greedily:",
    steps=(
        ("The encoder reads the whole source sentence, once.", "Its vectors serve every later step."),
        ("The decoder is fed <bos> alone.", "Nothing has been written yet."),
        (
            "Cross-attention looks at the encoder's vectors.",
            "Queries from the decoder, keys from the encoder.",
        ),
        ("The head gives a score to every French word.", "From the decoder's last place."),
        (
            "The word with the highest score is appended to what the decoder is fed.",
            "Its own word, not the right one.",
        ),
        ("Decoder and head run again, until <eos>.", "The encoder need not."),
    ),
)


def table_step(table):
    """A decoder that looks at the last token alone: its log-probabilities are a row of the table."""
    return lambda tokens: table[tokens[-1]].copy()


def search(
    case,
    *,
    width=None,
    normalise=False,
    last=False,
    drop=False,
    bos=False,
    eos=False,
    first=True,
    chances=False,
    soon=False,
    reopen=False,
    rounds=0,
):
    table, beam, start, stop, longest = case
    beams, step = [([start], 0.0)], table_step(table)
    for _ in range(longest + rounds):
        grown = []
        for tokens, score in beams:
            if tokens[-1] == stop and not reopen:
                grown += [] if drop else [(tokens, score)]
                continue
            logs = np.exp(step(tokens)) if chances else step(tokens)
            grown += [([*tokens, t], (0 if last else score) + c) for t, c in enumerate(logs)]
        # the length without <bos>, or with it
        rank = (lambda h: h[1] / (len(h[0]) - 2 + normalise)) if normalise else (lambda h: h[1])
        beams = sorted(grown, key=rank, reverse=True)[: width or beam] or beams
        if (any if soon else all)(tokens[-1] == stop for tokens, _ in beams):
            break
    tokens = beams[0 if first else -1][0]
    if reopen and stop in tokens:
        tokens = tokens[: tokens.index(stop)]
    tokens = tokens if bos else tokens[1:]
    return [t for t in tokens if eos or t != stop]


def ended_apart(case):
    """Hypotheses that have ended are laid aside: they take no place in the beam, and win by their score."""
    table, width, start, stop, longest = case
    beams, done, step = [([start], 0.0)], [], table_step(table)
    for _ in range(longest):
        grown = [([*tokens, t], score + c) for tokens, score in beams for t, c in enumerate(step(tokens))]
        grown.sort(key=lambda h: h[1], reverse=True)
        done += [h for h in grown if h[0][-1] == stop]
        beams = [h for h in grown if h[0][-1] != stop][:width]
    best = max(done + beams, key=lambda h: h[1])[0]
    return [t for t in best[1:] if t != stop]


def beam_cases(rng):
    def logs(rows):
        return np.log(np.array(rows))

    # 0 <bos>, 1 <eos>: the likelier first word, 2, leads to less likely ends
    path = logs(
        [
            [0.02, 0.03, 0.50, 0.45],
            [0.97, 0.01, 0.01, 0.01],
            [0.01, 0.29, 0.34, 0.36],
            [0.02, 0.94, 0.03, 0.01],
        ]
    )
    cases = [(path, 1, 0, 1, 6), (path, 2, 0, 1, 6)]
    for size, width, longest in ((4, 2, 4), (5, 3, 5), (5, 2, 3), (6, 4, 6), (5, 3, 2), (6, 3, 8)):
        raw = rng.normal(size=(size, size))
        raw[:, 1] += 0.6
        cases.append((raw - np.log(np.exp(raw).sum(axis=1, keepdims=True)), width, 0, 1, longest))

    def sharp(seed):
        chances = np.random.default_rng(seed)
        size = int(chances.integers(3, 6))
        raw = chances.normal(size=(size, size)) * 1.5
        raw[:, 1] -= 0.5
        return raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))

    # sharp(1): here the ended ones would win if they were laid aside
    # sharp(42) and sharp(155): here extending the ended ones is not the same as dividing by their lengths
    cases += [(sharp(1), 2, 0, 1, 3), (sharp(1), 3, 0, 1, 5)]
    return [*cases, *((sharp(seed), 2, 0, 1, 4) for seed in (42, 155))]


beam_exercise = Exercise(
    name="beam_search",
    difficulty=3,
    minutes=30,
    read="Greedy, or with a beam?",
    any_number=True,
    cases=beam_cases,
    expected=search,
    call=lambda answer, case: answer(table_step(case[0]), *case[1:]),
    describe=lambda case: (
        f"a decoder over {len(case[0])} tokens, width={case[1]}, bos={case[2]}, eos={case[3]}, "
        f"longest={case[4]}"
    ),
    hints=(
        "A hypothesis is a pair (tokens, score). Begin with one: ([bos], 0.0).",
        "Each round builds one list: a finished hypothesis as it is, an unfinished one once for every token.",
        "`sorted(grown, key=lambda h: h[1], reverse=True)[:width]` keeps the best; stop when all have ended.",
    ),
    mistakes=(
        Mistake(
            name="ended-apart",
            value=ended_apart,
            says="hypotheses that have ended compete for the `width` places like all others",
        ),
        *(
            Mistake(name=name, value=lambda case, flags=flags: search(case, **flags), says=says)
            for name, flags, says in (
                (
                    "greedy",
                    {"width": 1},
                    "this is the greedy answer: `width` hypotheses should survive each round",
                ),
                (
                    "normalised",
                    {"normalise": 1},
                    "scores are sums of log-probabilities: do not divide by length",
                ),
                (
                    "normalised-all",
                    {"normalise": 2},
                    "scores are sums of log-probabilities: do not divide by the number of tokens",
                ),
                (
                    "last-only",
                    {"last": True},
                    "a hypothesis keeps its score: add the new log-probability to it",
                ),
                (
                    "adds-chances",
                    {"chances": True},
                    "add log-probabilities as `step` gives them: probabilities would have to be multiplied",
                ),
                (
                    "stops-soon",
                    {"soon": True},
                    "go on until *all* that are kept have ended: an open one may still win",
                ),
                (
                    "reopened",
                    {"reopen": True},
                    "a hypothesis that ends with eos stays as it is: do not extend it",
                ),
                ("one-more", {"rounds": 1}, "one round too many: `longest` counts the words after <bos>"),
                ("one-less", {"rounds": -1}, "one round too few: `longest` counts the words after <bos>"),
                (
                    "ended-lost",
                    {"drop": True},
                    "a hypothesis that has ended stays in the race with its score",
                ),
                ("keeps-bos", {"bos": True}, "<bos> is fed first and is not part of the answer"),
                ("keeps-eos", {"eos": True}, "<eos> says where to stop and is not part of the answer"),
                ("worst", {"first": False}, "you returned the last of the beam: its first is the best"),
            )
        ),
    ),
)


def peaks(weights, gold, *, count_padding=False, per_sentence=False, axis=2, heads=False, first=True):
    hits = weights.argmax(axis=axis) == gold if axis == 2 else weights.argmin(axis=2) == gold
    real = gold >= 0 if first else gold > 0
    if heads:
        return float(weights.max(axis=2)[real].mean())
    if count_padding:
        return float(hits.mean())
    if per_sentence:
        return float(np.mean([h[r].mean() for h, r in zip(hits, real)]))
    return float(hits[real].mean())


def mass(weights, gold):
    real = gold >= 0
    return float(np.take_along_axis(weights, np.maximum(gold, 0)[:, :, None], axis=2)[:, :, 0][real].mean())


def shifted(weights, gold):
    """The row of the word before: weights[t] taken for the word that is fed, not written."""
    real = gold[:, :-1] >= 0
    return float((weights[:, 1:].argmax(axis=2) == gold[:, :-1])[real].mean())


def peak_cases(rng):
    cases = [
        (
            np.array([[[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.1, 0.6, 0.3]]]),
            np.array([[0, 1, 1]]),
        )
    ]
    for n, t, s in ((2, 4, 3), (3, 6, 5)):
        weights = rng.dirichlet(np.ones(s) * 0.5, size=(n, t))
        gold = rng.integers(0, s, (n, t))
        close = rng.random((n, t)) < 0.6
        gold = np.where(close, weights.argmax(axis=2), gold)
        gold[np.arange(t) >= np.array([t, 2, 3][:n])[:, None]] = -1
        cases.append((weights, gold))
    return cases


peak_exercise = Exercise(
    name="peak_share",
    difficulty=2,
    minutes=12,
    read="Is attention an alignment?",
    cases=peak_cases,
    expected=lambda case: peaks(*case),
    any_number=True,
    hints=(
        "`weights.argmax(axis=2)` names for every French word the English word that gets most.",
        "Compare with `gold`, and count only places where `gold >= 0`.",
        "`(weights.argmax(axis=2) == gold)[gold >= 0].mean()`, as a float.",
    ),
    mistakes=(
        *mistakes(
            peaks,
            (
                ("padding", {"count_padding": True}, "places with gold = -1 are padding: leave them out"),
                ("per-sentence", {"per_sentence": True}, "count words, not sentences: one mean over all"),
                (
                    "no-first",
                    {"first": False},
                    "0 is the first source word, only -1 is padding: gold >= 0 counts",
                ),
                ("smallest", {"axis": 1}, "you took the smallest weight of each row"),
                ("heights", {"heads": True}, "this is the mean height of the peaks: count where they stand"),
            ),
        ),
        Mistake(
            name="mass",
            value=lambda case: mass(*case),
            says="this is the mean weight on the right word: count the peaks that stand there",
        ),
        Mistake(
            name="shifted",
            value=lambda case: shifted(*case),
            says="row t belongs to French word t: do not shift the rows",
        ),
    ),
)

# --- A language model ------------------------------------------------------------------------------------


def bits(
    scores,
    tokens,
    *,
    base=2.0,
    total=False,
    power=False,
    stable=True,
    late=False,
    chance=False,
    crumb=0.0,
    least=0.0,
    linear=False,
    own=False,
):
    with np.errstate(all="ignore"):
        top = scores.max(axis=1, keepdims=True) if stable else 0.0
        logs = scores - top - np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    if late:
        logs, tokens = logs[:-1], tokens[1:]
    if own:
        return float(-(np.exp(logs) * logs / np.log(2)).sum(axis=1).mean())
    picked = logs[np.arange(len(tokens)), tokens] / np.log(base)
    if linear:
        with np.errstate(divide="ignore"):
            picked = np.log2(np.maximum(2.0**picked, least))
    if crumb:
        picked = np.log2(2.0**picked + crumb)
    if chance:
        return float(-np.log2(np.mean(base**picked)))
    if power:
        return float(base ** -picked.mean())
    return float(-(picked.sum() if total else picked.mean()))


def bits_cases(rng):
    cases = [(np.zeros((2, 4)), np.array([3, 0]))]
    cases += [(rng.normal(size=(t, v)), rng.integers(0, v, t)) for t, v in ((3, 5), (6, 4))]
    return [
        *cases,
        (np.array([[1000.0, 999.0], [0.0, -5.0]]), np.array([1, 1])),
        (np.array([[0.0, -900.0], [1.0, 1.0]]), np.array([1, 0])),
    ]


bits_exercise = Exercise(
    name="bits_per_character",
    difficulty=2,
    minutes=10,
    read="A model that writes",
    cases=bits_cases,
    expected=lambda case: bits(*case),
    any_number=True,
    hints=(
        "You need log-probabilities: scores minus the log of the sum of their exponentials, row by row.",
        "Subtract each row's largest score first; `logs[np.arange(T), tokens]` picks what really came.",
        "The mean of the picked logarithms, times -1, divided by np.log(2).",
    ),
    mistakes=mistakes(
        bits,
        (
            ("nats", {"base": math.e}, "these are nats: divide by ln 2 to get bits"),
            ("total", {"total": True}, "this is the sum: per character means the mean"),
            ("perplexity", {"power": True}, "this is the perplexity, 2 to the power of what was asked for"),
            ("overflow", {"stable": False}, "exp overflows: subtract the largest score of each row first"),
            (
                "underflow",
                {"linear": True},
                "a probability may underflow to 0: take log-softmax, not the logarithm of a softmax",
            ),
            (
                "clipped",
                {"linear": True, "least": 1e-12},
                "do not clip probabilities, a rare character is worth its many bits: take log-softmax",
            ),
            ("entropy", {"own": True}, "this is the entropy of the predictions: look up what really came"),
            (
                "crumb",
                {"crumb": 1e-9},
                "nothing may be added to a probability: take log-softmax, not log of softmax",
            ),
            ("shifted", {"late": True}, "row t already belongs to token t: do not shift"),
            ("mean-chance", {"chance": True}, "take the logarithm of each probability, then the mean"),
        ),
    ),
)


def warm(
    scores,
    temperature,
    *,
    times=False,
    ignore=False,
    power=False,
    after=False,
    stable=True,
    tie=False,
    last=False,
):
    if temperature == 0:
        best = scores == scores.max()
        if tie:
            return best / best.sum()
        return np.eye(len(scores))[len(scores) - 1 - scores[::-1].argmax() if last else scores.argmax()]
    z = scores * temperature if times else scores if ignore or power or after else scores / temperature
    with np.errstate(all="ignore"):
        e = np.exp(z - z.max() * stable)
        p = e / e.sum()
    if after:
        return p / temperature
    return p ** (1 / temperature) if power else p


def no_zero(scores, temperature):
    return np.full(len(scores), np.nan) if temperature == 0 else warm(scores, temperature)


def warm_cases(rng):
    cases = [(np.array([0.0, np.log(2), np.log(4)]), 1.0), (np.array([0.0, np.log(2), np.log(4)]), 0.5)]
    cases += [(rng.normal(size=5), t) for t in (0.3, 2.0, 10.0)]
    return [*cases, (np.array([2.0, 5.0, 5.0]), 0.0), (np.array([1000.0, 999.0, 0.0]), 1.0)]


warm_exercise = Exercise(
    name="temperature_softmax",
    difficulty=2,
    minutes=10,
    read="Temperature",
    cases=warm_cases,
    expected=lambda case: warm(*case),
    hints=(
        "Divide the scores, not the probabilities; then an ordinary softmax.",
        "After dividing, subtract the largest score before exp. Temperature 0 is a case of its own.",
        "For 0: an array of zeros of the same length, with a 1.0 at `scores.argmax()`.",
    ),
    mistakes=(
        *mistakes(
            warm,
            (
                ("times", {"times": True}, "you multiplied by the temperature: a high one should flatten"),
                ("ignored", {"ignore": True}, "the temperature has no effect"),
                ("power", {"power": True}, "p to the power of 1/T must be divided by its sum again"),
                ("after", {"after": True}, "divide the scores before the softmax, not its result"),
                ("overflow", {"stable": False}, "exp overflows: subtract the largest score first"),
                (
                    "last",
                    {"last": True},
                    "at 0 and among equal scores, the first one takes all, not the last",
                ),
                ("tie", {"tie": True}, "at 0 one token takes all: the first of the largest"),
            ),
        ),
        Mistake(
            name="no-zero",
            value=lambda case: no_zero(*case),
            says="temperature 0 divides by zero: it means all on the largest score",
        ),
    ),
)


def copied(text, source, *, mode="right"):
    if mode == "prefix":
        n = next((i for i, (a, b) in enumerate(zip(text, source)) if a != b), min(len(text), len(source)))
        return text[:n]
    if mode == "lower":
        text, source = text.lower(), source.lower()
    if mode == "exchanged":
        text, source = source, text
    units = text.split() if mode == "words" else text
    join = " ".join if mode == "words" else "".join
    best = ""
    for start in range(len(units)):
        for end in range(start + 1, len(units) + 1):
            piece = join(units[start:end])
            longer = len(piece) >= len(best) if mode == "last" else len(piece) > len(best)
            if longer and piece in source:
                best = piece
    if mode == "stripped":
        return best.strip()
    return len(best) if mode == "length" else best


def subsequence(text, source):
    """The longest sequence of characters that both hold in this order, gaps allowed."""
    best = [[""] * (len(source) + 1) for _ in range(len(text) + 1)]
    for i, a in enumerate(text):
        for j, b in enumerate(source):
            best[i + 1][j + 1] = best[i][j] + a if a == b else max(best[i][j + 1], best[i + 1][j], key=len)
    return best[-1][-1]


def jumping(text, source):
    """A search that goes on behind a copy, and misses those that begin within it."""
    best, start = "", 0
    while start < len(text):
        end = start
        while end < len(text) and text[start : end + 1] in source:
            end += 1
        best = max(best, text[start:end], key=len)
        start = max(end, start + 1)
    return best


def aligned_run(text, source):
    """The longest run of equal characters at the same place in both."""
    best = run = ""
    for a, b in zip(text, source):
        run = run + a if a == b else ""
        best = max(best, run, key=len)
    return best


copy_exercise = Exercise(
    name="longest_copy",
    difficulty=2,
    minutes=15,
    read="Learned, or learned by heart?",
    cases=lambda rng: [
        ("the old owl sang", "an old owl slept"),
        ("abc", "xyz"),
        ("", "abc"),
        ("ab cd", "cd ab"),
        ("the fox saw the crow", "the crow saw the fox and the crow ran"),
        ("owl", "a wise owl"),
        ("The Owl", "the owl"),
    ],
    expected=lambda case: copied(*case),
    hints=(
        "Python's `piece in source` tells whether one text stands in another. Which pieces need a test?",
        "For every start, let the end grow as long as the piece still stands in the source.",
        "Keep the longest so far, and replace it only by a longer piece, so that the first one stays.",
    ),
    mistakes=(
        *mistakes(
            copied,
            (
                ("words", {"mode": "words"}, "compare characters, not words: a copy may begin inside a word"),
                (
                    "last",
                    {"mode": "last"},
                    "of equally long copies, return the one that begins first in `text`",
                ),
                ("lower", {"mode": "lower"}, "character for character: capitals and small letters differ"),
                ("exchanged", {"mode": "exchanged"}, "of equally long ones, `text` decides which is first"),
                (
                    "stripped",
                    {"mode": "stripped"},
                    "blanks at the ends of a copy are part of it: do not strip",
                ),
                ("length", {"mode": "length"}, "this is the copy's length: return the copy itself"),
                ("prefix", {"mode": "prefix"}, "a copy may begin anywhere, not only at the start of both"),
            ),
        ),
        Mistake(
            name="gaps",
            value=lambda case: subsequence(*case),
            says="a copy has no gaps: compare pieces, text[start:end], not subsequences",
        ),
        Mistake(
            name="jumping",
            value=lambda case: jumping(*case),
            says="a longer copy may begin inside a shorter one: try every start",
        ),
        Mistake(
            name="same-place",
            value=lambda case: aligned_run(*case),
            says="a copy may stand at another place in the source than in the text",
        ),
    ),
)


def draw(
    scores,
    temperature,
    luck,
    *,
    times=False,
    top=False,
    stable=True,
    raw=False,
    after=False,
    strict=False,
    floor=False,
    ignore=False,
    flip=False,
    least=False,
    normal=False,
):
    temperature, luck = 1.0 if ignore else temperature, 1 - luck if flip else luck
    z = np.array(scores) * temperature if times else np.array(scores) / temperature
    if top:
        return int(z.argmax())
    with np.errstate(all="ignore"):
        top = z.min() if least else max(z.max(), 0.0) if floor else z.max()
        e = np.exp(z - top * stable)
        ends = np.cumsum(e)
        goal = luck if raw or normal else luck * ends[-1]
        ends = ends / ends[-1] if normal else ends
    reached = ends > goal if strict else ends >= goal
    return int(min((~reached).sum() + after, len(scores) - 1))


def draw_cases(rng):
    cases = [
        ((0.0, 0.0), 1.0, 0.25),
        ((0.0, 0.0), 1.0, 0.75),
        ((0.0, 0.0), 1.0, 0.5),
        ((1.0, 2.0, 0.5, 1.5), 1.0, 0.999999),
        ((1.0, 0.0), 4.0, 0.7),
        ((1.0, 0.0), 4.0, 0.85),
    ]
    for temperature in (0.4, 1.0, 3.0, 0.7):
        scores = tuple(float(f"{s:.3f}") for s in rng.normal(size=5))
        cases += [(scores, temperature, float(f"{luck:.4f}")) for luck in rng.random(3)]
    return [
        *cases,
        ((2000.0, 2001.0, 1999.0), 1.0, 0.5),
        ((-900.0, -901.0), 0.5, 0.95),
        ((-2000.0, 2000.0, 1999.0), 1.0, 0.9),
    ]


def draw_main(cases):
    calls = [
        f"draw(&[{', '.join(f'{s!r}f64' for s in scores)}], {temperature!r}, {luck!r})"
        for scores, temperature, luck in cases
    ]
    return f'fn main() {{\n    println!("{{:?}}", [{", ".join(calls)}]);\n}}'


rust_draw = Exercise(
    name="rust_draw",
    language="rust",
    difficulty=2,
    minutes=15,
    read="Temperature",
    program=draw_main,
    cases=draw_cases,
    expected=lambda case: draw(*case),
    hints=(
        "Weights `((s - largest) / temperature).exp()`; their sum times luck is a point on a line.",
        "Walk along and add up the weights; stop at the first position where the sum reaches that point.",
        "After the loop return the last position: rounding may leave a crumb of the way.",
    ),
    mistakes=mistakes(
        draw,
        (
            ("times", {"times": True}, "divide the scores by the temperature; you multiplied"),
            ("argmax", {"top": True}, "the largest score always wins here: luck must decide"),
            ("overflow", {"stable": False}, "exp overflows or vanishes: subtract the largest score first"),
            (
                "strict",
                {"strict": True},
                "a sum that is exactly `luck` has reached it already: at least, not more than",
            ),
            ("floor", {"floor": True}, "scores may all be far below 0: begin with f64::NEG_INFINITY"),
            ("least", {"least": True}, "subtract the *largest* score: with the smallest, exp overflows"),
            ("ignored", {"ignore": True}, "the temperature has no effect: divide the scores by it"),
            ("flipped", {"flip": True}, "you walked from the other end: compare with luck, not 1 - luck"),
            (
                "overflow-nan",
                {"stable": False, "normal": True},
                "exp overflows or vanishes, and ∞/∞ and 0/0 are NaN: subtract the largest score first",
            ),
            ("raw", {"raw": True}, "the weights do not add up to 1: compare with luck times their sum"),
            (
                "one-late",
                {"after": 1},
                "one place too far: the first end that is not below the point is meant",
            ),
        ),
    ),
)

zero_temperature = Choice(
    name="zero_temperature",
    difficulty=1,
    minutes=3,
    read="Temperature",
    question="A model gives the next characters a, b, c the probabilities 0.5, 0.3, 0.2. "
    "Which statement about the temperature is true?",
    options=(
        Option(
            text="At temperature 0.5 the ratio of a to b is 25 : 9.",
            says="Right: dividing scores by ½ doubles them, and that squares every ratio: (5/3)².",
            right=True,
        ),
        Option(
            text="At temperature 2 the order of the three is turned round.",
            says="Dividing by a positive number keeps the order; it only brings the scores closer together.",
        ),
        Option(
            text="A low temperature makes the model's predictions better.",
            says="It leaves the model as it is and draws more often what it rates highest.",
        ),
        Option(
            text="At a very high temperature a is drawn nearly always.",
            says="That is the limit of low temperatures. High ones bring all three towards one third.",
        ),
    ),
)

# --- Fine-tuning -----------------------------------------------------------------------------------------


def merge(weight, a, b, alpha, *, divide=1.0, base=True, scaled=True, swap=False, outer=False):
    rank = len(b) if outer else len(a)
    try:
        product = a.T @ b.T if swap else b @ a
        change = (alpha / rank**divide if scaled else 1.0) * product
        return (weight if base else 0) + change
    except ValueError:
        return Raises("ValueError")


def merge_cases(rng):
    def one(o, i, r, alpha):
        return rng.normal(size=(o, i)), rng.normal(size=(r, i)), rng.normal(size=(o, r)), alpha

    first = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 2.0]]), np.array([[3.0], [0.0]]), 1.0
    return [first, one(3, 3, 2, 4.0), one(4, 4, 4, 8.0), one(5, 3, 2, 1.0)]


merge_exercise = Exercise(
    name="merge_low_rank",
    difficulty=1,
    minutes=8,
    read="Three ways to teach an old model",
    cases=merge_cases,
    expected=lambda case: merge(*case),
    hints=(
        "Which product of `a` (r, I) and `b` (O, r) has the shape (O, I)?",
        "The rank r is the number of rows of `a`; the product is scaled by alpha / r.",
        "`weight + alpha / len(a) * (b @ a)`: a new array; `weight` stays as it is.",
    ),
    mistakes=mistakes(
        merge,
        (
            ("no-rank", {"divide": 0.0}, "the scale is alpha / r: divide by the rank"),
            (
                "outer",
                {"outer": True},
                "r is the number of rows of a, or of columns of b: not that of rows of b",
            ),
            ("root", {"divide": 0.5}, "the scale is alpha / r, not alpha / √r"),
            ("no-alpha", {"scaled": False}, "the product is not scaled: multiply by alpha / r"),
            ("change-only", {"base": False}, "this is the change alone: add the frozen weight"),
            ("transposed", {"swap": True}, "the shapes want b @ a, (O, r) times (r, I)"),
        ),
    ),
)


def low_rank_gradients(
    x, dout, a, b, alpha, *, scaled=True, trained=None, swap=False, mean=False, rank=True, power=(1, 1)
):
    scale = (alpha / len(a) if rank else alpha) if scaled else 1.0
    dw = dout.T @ x  # (O, I)
    if mean:
        dw = dw / len(x)
    da, db = scale ** power[0] * b.T @ dw, scale ** power[1] * dw @ a.T
    if trained == "a":
        db = np.zeros_like(db)
    if trained == "b":
        da = np.zeros_like(da)
    return (db, da) if swap else (da, db)


def after_step(x, dout, a, b, alpha):
    """The gradient of b taken at the a that has already been moved."""
    da, _ = low_rank_gradients(x, dout, a, b, alpha)
    return da, low_rank_gradients(x, dout, a - da, b, alpha)[1]


def gradient_cases(rng):
    cases = []
    for n, i, o, r, alpha in ((1, 2, 2, 1, 1.0), (3, 4, 2, 2, 4.0), (5, 3, 6, 3, 2.0)):
        cases.append(tuple(rng.normal(size=s) for s in ((n, i), (n, o), (r, i), (o, r))) + (alpha,))
    x, dout, a, b, alpha = cases[1]
    return [*cases, (x, dout, a, np.zeros_like(b), alpha)]


gradient_exercise = Exercise(
    name="low_rank_gradients",
    difficulty=3,
    minutes=20,
    read="Three ways to teach an old model",
    cases=gradient_cases,
    expected=lambda case: low_rank_gradients(*case),
    hints=(
        "First the gradient of the whole matrix: for y = x Wᵀ it is ∂W = doutᵀ x, of shape (O, I).",
        "W = frozen + (alpha / r) b a. So ∂b = (alpha / r) ∂W aᵀ; which product gives ∂a the shape (r, I)?",
        "∂a = (alpha / r) bᵀ ∂W. Return (da, db), in this order.",
    ),
    mistakes=(
        *mistakes(
            low_rank_gradients,
            (
                ("no-scale", {"scaled": False}, "the factor alpha / r belongs to both gradients"),
                ("no-rank", {"rank": False}, "the factor is alpha / r: divide by the rank"),
                ("scale-twice", {"power": (2, 2)}, "the factor alpha / r belongs to each gradient once"),
                ("scale-a", {"power": (1, 0)}, "the factor alpha / r is missing in the gradient of b"),
                ("scale-b", {"power": (0, 1)}, "the factor alpha / r is missing in the gradient of a"),
                ("only-a", {"trained": "a"}, "b is trained as well: its gradient is not zero"),
                ("only-b", {"trained": "b"}, "a is trained as well: where b is not zero, it has a gradient"),
                ("swapped", {"swap": True}, "return the gradient of a first, then that of b"),
                ("mean", {"mean": True}, "dout already holds the 1/N of the loss: sum over the rows"),
            ),
        ),
        Mistake(
            name="moved",
            value=lambda case: after_step(*case),
            says="both gradients belong to the same a and b: compute both before any step",
        ),
    ),
)

tuning_ways = Match(
    name="tuning_ways",
    difficulty=1,
    minutes=4,
    read="Three ways to teach an old model",
    question="A model is to learn a second subject. Which way has which property?",
    pairs=(
        (
            "All weights are trained",
            "As many numbers to store for each subject as the model has",
            "The most freedom, a whole new model for each subject, and nothing that holds the old one.",
        ),
        (
            "Only the output matrix is trained",
            "The vectors that it reads cannot change",
            "Blocks and embedding are frozen: the old features have to do.",
        ),
        (
            "Low-rank changes to frozen matrices (LoRA)",
            "A small addition to every matrix, which can be added in or taken out",
            "W + (alpha/r) B A: merged it costs nothing at run time, removed it gives the old model back.",
        ),
    ),
)

ENTRIES = (
    rust_merge_pair,
    decode_unknown,
    masked_exercise,
    hide_exercise,
    what_hundred_says,
    translate_order,
    beam_exercise,
    peak_exercise,
    bits_exercise,
    warm_exercise,
    rust_draw,
    zero_temperature,
    copy_exercise,
    merge_exercise,
    gradient_exercise,
    tuning_ways,
)
