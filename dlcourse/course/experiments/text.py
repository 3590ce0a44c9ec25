"""Experiments of 22_text: a classifier of sentences, a translator, a language model that learns twice."""

import copy
import math

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, softmax
from torch.nn.utils import parametrize

from dlcourse.course.recorded import experiment
from dlcourse.data import grammar
from dlcourse.data.fable import FABLE
from dlcourse.data.opinions import LONGEST, NEGATED, REVIEWS, TEST, TRAIN, UNSEEN
from dlcourse.data.phrases import alignment, phrases, split_phrases
from dlcourse.data.tokens import BOS, EOS, PAD, UNK, Vocabulary, pad, padding_mask, teacher_forcing, words
from dlcourse.pytorch.transformer import CausalLM, Transformer, TransformerClassifier
from dlcourse.training import cosine


def descend(model, optimiser, loss, clip=1.0):
    """One step of descent; the gradient is clipped unless clip is None."""
    optimiser.zero_grad()
    loss.backward()
    if clip:
        nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimiser.step()


# --- Sentences and their verdicts ------------------------------------------------------------------------


def columns(pairs):
    """Opinions as lists of words, and their labels."""
    return [words(text) for text, _ in pairs], np.array([label for _, label in pairs])


def encoded(vocabulary, texts, width):
    """Tokens (N, width) and the mask (N, width) of their padding."""
    tokens, lengths = pad([vocabulary.encode(text) for text in texts], width)
    return torch.from_numpy(tokens), torch.from_numpy(padding_mask(lengths, width))


def praise(model, vocabulary, texts, *, width=LONGEST, masked=True):
    """The probability of praise for each text."""
    tokens, padding = encoded(vocabulary, texts, width)
    model.eval()
    with torch.no_grad():
        return softmax(model(tokens, padding if masked else None).double(), dim=1)[:, 1].numpy()


def train_classifier(seed, *, masked, epochs=300):
    """The textbook's size and schedule on our ten opinions; return model, vocabulary and losses."""
    texts, labels = columns(TRAIN)
    vocabulary = Vocabulary(texts)
    tokens, padding = encoded(vocabulary, texts, LONGEST)
    y, rng = torch.from_numpy(labels), np.random.default_rng(seed)
    model = TransformerClassifier(len(vocabulary), 2, 64, 4, 128, rng=rng)
    optimiser, losses = torch.optim.Adam(model.parameters(), 1e-3), []
    for _ in range(epochs):
        total = 0.0
        for rows in torch.arange(len(y)).split(4):  # in order: nothing is shuffled
            scores = model(tokens[rows], padding[rows] if masked else None)
            loss = cross_entropy(scores, y[rows])
            descend(model, optimiser, loss, clip=None)
            total += loss.item() * len(rows) / len(y)
        losses.append(total)
    return model, vocabulary, losses


def bag(vocabulary, texts):
    """How often each token occurs in each text: (N, V)."""
    counts = np.zeros((len(texts), len(vocabulary)))
    for row, text in zip(counts, texts):
        np.add.at(row, vocabulary.encode(text), 1)
    return counts


def train_bag(x, y, steps=1000, lr=0.3):
    """Logistic regression from zero weights by plain descent: nothing in it is random."""
    w, b = np.zeros(x.shape[1]), 0.0
    for _ in range(steps):
        dz = (1 / (1 + np.exp(-(x @ w + b))) - y) / len(y)  # (N,)
        w, b = w - lr * x.T @ dz, b - lr * dz.sum()
    return w, b


@experiment(
    "22_text",
    "sentences",
    [{"masked": True}, {"masked": False}],
    seeds=10,
    band={"test": 1, "negated": 1, "surest": 0.1, "leak": 0.3, "flips": 3},
)
def sentences(seed, *, masked):
    """Right answers in training, test (6) and negated (3); what padding to three times the length changes."""
    model, vocabulary, _ = train_classifier(seed, masked=masked)
    p, result = {}, {}
    for name, pairs in (("train", TRAIN), ("test", TEST), ("negated", NEGATED)):
        texts, labels = columns(pairs)
        p[name] = praise(model, vocabulary, texts, masked=masked)
        result[name] = int(((p[name] > 0.5) == labels).sum())
    wider = praise(model, vocabulary, columns(TEST)[0], width=3 * LONGEST, masked=masked)
    return result | {
        "surest": p["negated"].max(),
        "leak": abs(wider - p["test"]).max(),
        "flips": int(((wider > 0.5) != (p["test"] > 0.5)).sum()),
    }


def word_dropout(tokens, share, rng):
    """Some words become <unk>, so that its embedding is trained."""
    hit = torch.from_numpy(rng.random(tokens.shape) < share) & (tokens != PAD)
    return tokens.masked_fill(hit, UNK)


def train_reviews(seed, *, hide, steps=300):
    """A smaller Transformer on the 24 reviews, regularised; `hide` is the share of word dropout."""
    texts, labels = columns(REVIEWS)
    vocabulary, rng = Vocabulary(texts), np.random.default_rng(seed)
    tokens, padding = encoded(vocabulary, texts, LONGEST)
    model = TransformerClassifier(
        len(vocabulary), 2, 32, 4, 64, positions="learned", max_length=LONGEST, dropout=0.1, rng=rng
    )
    optimiser, rate = torch.optim.AdamW(model.parameters(), weight_decay=0.01), cosine(3e-3, steps)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # of the dropout
        for step in range(steps):
            optimiser.param_groups[0]["lr"] = rate(step)
            scores = model(word_dropout(tokens, hide, rng), padding)
            descend(model, optimiser, cross_entropy(scores, torch.from_numpy(labels)), clip=None)
    return model, vocabulary


@experiment(
    "22_text",
    "reviews",
    [{"model": "bag", "hide": 0.0}] + [{"model": "transformer", "hide": hide} for hide in (0.0, 0.1)],
    seeds=10,
    band=dict.fromkeys(("train", "recombined", "neutral", "negated", "verdict", "sure"), 0.4),
)
def reviews(seed, *, model, hide):
    """The share of right answers by kind of sentence; `sure`: mean confidence without a known verdict."""
    texts, labels = columns(REVIEWS)
    if model == "bag":
        vocabulary = Vocabulary(texts)
        w, b = train_bag(bag(vocabulary, texts), labels)
    else:
        trained, vocabulary = train_reviews(seed, hide=hide)
    result = {}
    for kind, pairs in (("train", REVIEWS), *UNSEEN.items()):
        texts, labels = columns(pairs)
        if model == "bag":
            p = 1 / (1 + np.exp(-(bag(vocabulary, texts) @ w + b)))
        else:
            p = praise(trained, vocabulary, texts)
        result[kind] = ((p > 0.5) == labels).mean()
    return result | {"sure": np.maximum(p, 1 - p).mean()}


# --- English to French -----------------------------------------------------------------------------------


ENGLISH, FRENCH = (Vocabulary(side) for side in zip(*phrases()))


def sides(pairs):
    """Pairs as tensors: source (N, S), its padding (N, S), what the decoder is fed and should say (N, T)."""
    source, lengths = pad([ENGLISH.encode(english) for english, _ in pairs])
    fed, wanted = teacher_forcing([FRENCH.encode(french) for _, french in pairs])
    return tuple(map(torch.from_numpy, (source, padding_mask(lengths, source.shape[1]), fed, wanted)))


def train_translator(seed, *, pairs=1440, steps=600, places=True):
    """An encoder-decoder Transformer; return it with the held-out pairs."""
    rng = np.random.default_rng(seed)
    train, held_out = split_phrases(rng=rng)
    source, padding, fed, wanted = sides(train[:pairs])
    model = Transformer(len(ENGLISH), len(FRENCH), 64, 4, 128, dropout=0.1, rng=rng)
    if not places:
        model.source_tokens.positions = nn.Identity()
    optimiser = torch.optim.Adam(model.parameters(), betas=(0.9, 0.98), fused=True)
    rate = cosine(2e-3, steps, warmup=100)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # of the dropout
        for step in range(steps):
            optimiser.param_groups[0]["lr"] = rate(step)
            rows = torch.from_numpy(rng.integers(0, len(source), 64))
            scores = model(source[rows], fed[rows], padding[rows])
            loss = cross_entropy(scores.flatten(0, 1), wanted[rows].flatten(), ignore_index=PAD)
            descend(model, optimiser, loss)
    return model.eval(), held_out


def translate(model, pairs):
    """What the model writes for the English side of each pair: lists of words."""
    source, padding, _, _ = sides(pairs)
    return [FRENCH.decode(row) for row in model.greedy(source, BOS, EOS, 12, padding)]


def beam(model, english, width, longest=12):
    """What beam search writes for one list of English words; width 1 is greedy."""
    source, padding, _, _ = sides([(english, [])])
    with torch.no_grad():
        hypotheses = [([BOS], 0.0)]
        for _ in range(longest):
            grown = [h for h in hypotheses if h[0][-1] == EOS]
            for fed, score in (h for h in hypotheses if h[0][-1] != EOS):
                logs = model(source, torch.tensor([fed]), padding)[0, -1].log_softmax(dim=-1)
                grown += [([*fed, token], score + log) for token, log in enumerate(logs.tolist())]
            hypotheses = sorted(grown, key=lambda h: -h[1])[:width]
            if all(fed[-1] == EOS for fed, _ in hypotheses):
                break
    return FRENCH.decode(hypotheses[0][0])


def exact(model, pairs):
    """The share of pairs that are translated without a slip."""
    return np.mean([written == french for written, (_, french) in zip(translate(model, pairs), pairs)])


def looks(model, pairs):
    """Where the decoder looks while it writes the right answer: (N, A, T, S)."""
    source, padding, fed, _ = sides(pairs)
    with torch.no_grad():
        model(source, fed, padding)
    return model.decoder[-1].cross.weights.numpy()


def aligned(weights, pairs):
    """The share of French words during whose writing the largest weight lies on the right English word.

    weights  (N, T, S), row t being that of the t-th French word
    """
    hits = [
        np.array(alignment(english, french)) == w[: len(french)].argmax(axis=1)
        for w, (english, french) in zip(weights, pairs)
    ]
    return np.concatenate(hits).mean()


@experiment(
    "22_text",
    "translation",
    [{"pairs": 1440, "places": True}, {"pairs": 200, "places": True}, {"pairs": 1440, "places": False}],
    seeds=5,
    band={"exact": 0.05, "mean": 0.25, "best_head": 0.3, "worst_head": 0.5},
)
def translation(seed, *, pairs, places):
    """Exact answers on 360 held-out phrases, and how often attention peaks on the right word."""
    model, held_out = train_translator(seed, pairs=pairs, places=places)
    weights = looks(model, held_out)
    heads = [aligned(weights[:, a], held_out) for a in range(weights.shape[1])]
    return {
        "exact": exact(model, held_out),
        "mean": aligned(weights.mean(axis=1), held_out),
        "best_head": max(heads),
        "worst_head": min(heads),
    }


# --- A language model ------------------------------------------------------------------------------------


CONTEXT, CORPUS = 64, 40_000
ALPHABET = sorted(set(grammar.text(CORPUS, rng=np.random.default_rng(0))))


def numbers(text):
    """Characters as tokens."""
    return torch.tensor([ALPHABET.index(character) for character in text])


def corpus(name, seed):
    """The text to train on, and the last tenth, which is held out."""
    text = FABLE if name == "fable" else grammar.text(CORPUS, rng=np.random.default_rng(seed))
    cut = len(text) * 9 // 10
    return text[:cut], text[cut:]


def new_gpt(rng):
    return CausalLM(len(ALPHABET), CONTEXT, 64, 4, 256, 2, dropout=0.1, rng=rng)


def adamw(model, lr, decay=0.1):
    """AdamW that shrinks matrices and leaves biases and norms alone; only what requires a gradient."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [{"params": [p for p in trained if p.dim() == 2], "weight_decay": decay}]
    groups.append({"params": [p for p in trained if p.dim() != 2], "weight_decay": 0.0})
    return torch.optim.AdamW([g for g in groups if g["params"]], lr, fused=True)


def train_gpt(model, text, *, steps, rng, lr=3e-3, warmup=100, batch=24):
    """Windows of 64 characters from random places; yield the step after each step."""
    tokens, optimiser = numbers(text), adamw(model, lr)
    rate = cosine(lr, steps, warmup=warmup, floor=0.05)
    for step in range(steps):
        model.train()
        for group in optimiser.param_groups:
            group["lr"] = rate(step)
        starts = torch.from_numpy(rng.integers(0, len(tokens) - CONTEXT, batch))
        rows = tokens[starts[:, None] + torch.arange(CONTEXT + 1)]  # (N, T + 1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**31)))  # of the dropout
            scores = model(rows[:, :-1])
        descend(model, optimiser, cross_entropy(scores.flatten(0, 1), rows[:, 1:].flatten()))
        model.eval()
        yield step + 1


def bits(model, text):
    """Bits per character on windows of 64 that do not overlap."""
    tokens = numbers(text)
    rows = tokens[: (len(tokens) - 1) // CONTEXT * CONTEXT + 1]
    x, y = rows[:-1].view(-1, CONTEXT), rows[1:].view(-1, CONTEXT)
    model.eval()
    with torch.no_grad():
        return cross_entropy(model(x).flatten(0, 1), y.flatten()).item() / math.log(2)


def write(model, start, count, temperature, rng):
    """Go on with the text `start` for `count` characters."""
    model.eval()
    tokens = model.generate(numbers(start)[None], count, temperature, rng=rng)
    return "".join(ALPHABET[token] for token in tokens[0])


def longest_copy(text, source):
    """The longest piece of `text` that stands in `source`, word for word."""
    best, start = "", 0
    for end in range(1, len(text) + 1):
        while text[start:end] not in source:
            start += 1
        best = max(best, text[start:end], key=len)
    return best


def real_words(text, source):
    """The share of whole words of `text` that occur in `source`."""
    known = set(source.replace(",", "").replace(".", "").split())
    written = text.replace(",", "").replace(".", "").split()[1:-1]  # the ends may be cut
    return sum(word in known for word in written) / len(written)


def bigram_bits(train, test, add=0.1):
    """Bits per character of counted pairs."""
    counts = np.full((len(ALPHABET), len(ALPHABET)), add)
    np.add.at(counts, tuple(numbers(train).numpy()[i : len(train) - 1 + i] for i in (0, 1)), 1)
    p, tokens = counts / counts.sum(axis=1, keepdims=True), numbers(test).numpy()
    return -np.log2(p[tokens[:-1], tokens[1:]]).mean()


@experiment(
    "22_text",
    "gpt",
    [{"name": "grammar", "steps": 800}, {"name": "fable", "steps": 600}],
    seeds=3,
    band={
        "bits": 0.5,
        "train": 0.2,
        "best": 0.3,
        "best_step": 60,
        "words": 0.05,
        "copy": 350,
        "bigram": 0.01,
    },
)
def gpt(seed, *, name, steps):
    """Bits at the end, in training and held out; where the latter were lowest; the sample's longest copy."""
    train, test = corpus(name, seed)
    rng = np.random.default_rng(seed)
    model, curve = new_gpt(rng), {}
    for step in train_gpt(model, train, steps=steps, rng=rng):
        if step % 20 == 0 and (name == "fable" or step == steps):
            curve[step] = bits(model, test)
    sample = write(model, "the ", 600, 0.8, np.random.default_rng(1000 + seed))
    best = min(curve, key=curve.get)
    result = {
        "bits": curve[steps],
        "train": bits(model, train[:4096]),
        "best": curve[best],
        "best_step": best,
    }
    result |= {"words": real_words(sample, train), "copy": len(longest_copy(sample, train))}
    return result | {"bigram": bigram_bits(train, test)}


# --- Its second subject ----------------------------------------------------------------------------------


class LowRank(nn.Module):
    """W + B A: W is frozen, A (rank, I) begins at random and B (O, rank) at 0."""

    def __init__(self, weight, rank, rng):
        super().__init__()
        a = rng.normal(scale=weight.shape[1] ** -0.5, size=(rank, weight.shape[1]))
        self.a = nn.Parameter(torch.from_numpy(a).to(weight))
        self.b = nn.Parameter(weight.new_zeros(weight.shape[0], rank))

    def forward(self, weight):
        return weight + self.b @ self.a


class OwnHead(nn.Module):
    """The model with an output matrix of its own, which begins as the embedding."""

    def __init__(self, model):
        super().__init__()
        self.model, self.head = model, nn.Parameter(model.tokens.embedding.weight.detach().clone())

    def forward(self, tokens):
        return self.model.norm(self.model.blocks(self.model.tokens(tokens))) @ self.head.T


def prepare(model, way, *, rng, rank=4):
    """A copy of the model with the parameters of one way of fine-tuning free and all others frozen."""
    model = copy.deepcopy(model)
    if way == "full":
        return model
    for parameter in model.parameters():
        parameter.requires_grad = False
    if way == "head":
        return OwnHead(model)
    for block in model.blocks:
        layers = [(block.attention, "in_proj_weight"), (block.attention.out_proj, "weight")]
        layers += [(block.feed_forward[0], "weight"), (block.feed_forward[2], "weight")]
        for layer, name in layers:
            adapter = LowRank(getattr(layer, name), rank, rng)
            parametrize.register_parametrization(layer, name, adapter)
    return model


def free(model):
    """How many numbers training may change."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


STEPS, MARKS = 100, (0, 10, 25, 50, 100)
RATES = {"full": 1e-3, "head": 1e-2, "lora": 5e-3, "scratch": 3e-3}


def fine_tune(model, way, seed, *, steps=STEPS, lr=None):
    """Train one way on the fable; return the model, and after each of MARKS bits on fable and grammar."""
    rng = np.random.default_rng(2000 + seed)
    model = new_gpt(rng) if way == "scratch" else prepare(model, way, rng=rng)
    train, test = corpus("fable", seed)
    grammar_test = corpus("grammar", seed)[1]
    curve = {0: (bits(model, test), bits(model, grammar_test))}
    for step in train_gpt(model, train, steps=steps, rng=rng, lr=lr or RATES[way], warmup=20):
        if step in MARKS:
            curve[step] = bits(model, test), bits(model, grammar_test)
    return model, curve


@experiment(
    "22_text",
    "fine_tuning",
    seeds=3,
    band={
        f"{way}_{kind}_{step}": 0.6 if way != "scratch" else 1.0
        for way in RATES
        for kind in ("fable", "grammar")
        for step in MARKS
    },
)
def fine_tuning(seed):
    """Bits on both texts along the way, for three ways of fine-tuning and for a model that begins anew."""
    rng = np.random.default_rng(seed)
    model, result = new_gpt(rng), {}
    for _ in train_gpt(model, corpus("grammar", seed)[0], steps=800, rng=rng):
        pass
    for way in RATES:
        _, curve = fine_tune(model, way, seed)
        for step, (fable, old) in curve.items():
            result |= {f"{way}_fable_{step}": fable, f"{way}_grammar_{step}": old}
    return result
