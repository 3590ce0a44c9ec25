"""Experiments of 17_rnn: what a plain recurrent network remembers, and what its answers are worth."""

import math

import numpy as np
import torch
from torch import nn

from dlcourse import reference as ref
from dlcourse.course.recorded import experiment
from dlcourse.data import grammar
from dlcourse.data.digits import digits
from dlcourse.data.names import tagged
from dlcourse.data.sequences import adding, one_hot, recall, reversal, shift
from dlcourse.data.series import seasonal, windows
from dlcourse.data.tokens import BOS, EOS, PAD, Vocabulary, pad, teacher_forcing
from dlcourse.pytorch.init import initialise
from dlcourse.pytorch.seq2seq import Seq2Seq
from dlcourse.reference import init
from dlcourse.reference.optim import clip_grad_norm
from dlcourse.training import cosine

CHAPTER = "17_rnn"


# --- Shift and recall, in NumPy --------------------------------------------------------------------------


class Reader(ref.Layer):
    """A recurrent layer and an affine map: scores at every step, or after the last one only."""

    def __init__(self, inputs, hidden, outputs, *, last, rng):
        super().__init__()
        self.rnn = ref.RNN(inputs, hidden, rng=rng)
        self.output = ref.Linear(hidden, outputs, rng=rng)
        self.last = last

    def forward(self, x):
        y, state = self.rnn.forward(x)  # (N, T, H), (N, H)
        self.cache = y.shape
        return self.output.forward(state if self.last else y)

    def backward(self, dout):
        dh = self.output.backward(dout)
        if not self.last:
            return self.rnn.backward(dh)
        return self.rnn.backward(np.zeros(self.recall()), dh)


@experiment(
    CHAPTER,
    "shift",
    [{"memory": memory} for memory in (True, False)],
    seeds=5,
    band={"epochs": 20, "loss": 0.02, "accuracy": 0.02},
)
def shift_run(seed, *, memory, epochs=400, lr=3e-3):
    """Train on the shift task: the first measured epoch with all of 2,048 tokens right, and the end."""
    rng = np.random.default_rng(seed)
    net = Reader(6, 16, 6, last=False, rng=rng)
    init.tch_defaults(net, rng=rng)
    x_test, y_test = shift(256, rng=np.random.default_rng(1000))
    recurrent = net.rnn.params["weight_hh_l0"]
    recurrent *= memory
    loss_fn, optimiser = ref.CrossEntropyLoss(), ref.Adam(net, lr=lr)
    first, right = epochs + 1, 0.0
    for epoch in range(1, epochs + 1):
        x, y = shift(32, rng=rng)
        scores = net.forward(one_hot(x, 6))  # (N, T, C)
        loss = loss_fn.forward(scores.reshape(-1, 6), y.ravel())
        net.backward(loss_fn.backward().reshape(scores.shape))
        net.rnn.grads["weight_hh_l0"] *= memory  # held at zero
        optimiser.step()
        if epoch % 10 == 0:
            right = float((net.forward(one_hot(x_test, 6)).argmax(-1) == y_test).mean())
            first = min(first, epoch) if right == 1 else first
    return {"epochs": first, "loss": loss, "accuracy": right}


@experiment(
    CHAPTER,
    "recall",
    [{"length": length, "start": "uniform"} for length in (5, 10, 20)]
    + [{"length": length, "start": "orthogonal"} for length in (10, 20)],
    seeds=5,
    band={"accuracy": 0.25, "steps": 500},
)
def recall_run(seed, *, length, start="uniform", steps=1500):
    """Train to name the first token at the end; accuracy on 4,000 fresh sequences, steps to 99 %."""
    rng = np.random.default_rng(seed)
    net = Reader(6, 16, 6, last=True, rng=rng)
    if start == "orthogonal":
        net.rnn.params["weight_hh_l0"][:] = init.orthogonal((16, 16), rng=rng)
    x_test, y_test = recall(4000, length, rng=np.random.default_rng(1000))
    loss_fn, optimiser = ref.CrossEntropyLoss(), ref.Adam(net, lr=3e-3)
    first = steps + 1
    for step in range(1, steps + 1):
        x, y = recall(64, length, rng=rng)
        loss_fn.forward(net.forward(one_hot(x, 6)), y)
        net.backward(loss_fn.backward())
        clip_grad_norm(net, 1.0)
        optimiser.step()
        if step % 50 == 0 and first > steps:
            quick = net.forward(one_hot(x_test[:500], 6)).argmax(-1) == y_test[:500]
            first = step if quick.mean() >= 0.99 else first
    answers = net.forward(one_hot(x_test, 6)).argmax(-1)
    return {"accuracy": float((answers == y_test).mean()), "steps": first}


@experiment(
    CHAPTER,
    "adding",
    [{"start": start} for start in ("uniform", "orthogonal")],
    seeds=3,
    band={"mse": 0.03},
)
def adding_run(seed, *, start, steps=1000):
    """Train to add the two marked ones of 50 numbers; mean squared error on 2,000 new sequences."""
    rng = np.random.default_rng(seed)
    net = Reader(2, 32, 1, last=True, rng=rng)
    if start == "orthogonal":
        net.rnn.params["weight_hh_l0"][:] = init.orthogonal((32, 32), rng=rng)
    loss_fn, optimiser = ref.MSELoss(), ref.Adam(net, lr=1e-2)
    for _ in range(steps):
        x, y = adding(64, 50, rng=rng)
        loss_fn.forward(net.forward(x), y[:, None])
        net.backward(loss_fn.backward())
        clip_grad_norm(net, 1.0)
        optimiser.step()
    x, y = adding(2000, 50, rng=np.random.default_rng(1000))
    return {"mse": float(np.mean((net.forward(x)[:, 0] - y) ** 2))}


# --- Reversal, by an encoder and a decoder ---------------------------------------------------------------

LETTERS = Vocabulary(["abcdefghij"])


def reversal_batch(n, low, high, rng):
    """Words and their reversals as arrays: source, lengths, what the decoder is fed, what it should say."""
    pairs = reversal(n, low, high, rng=rng)
    source, lengths = pad([LETTERS.encode(word) for word, _ in pairs])
    fed, wanted = teacher_forcing([LETTERS.encode(answer) for _, answer in pairs])
    return [torch.from_numpy(array) for array in (source, lengths, fed, wanted)]


def exact(model, low, high, n=1000):
    """The share of n fresh words of low … high letters that are reversed without any mistake."""
    source, lengths, _, wanted = reversal_batch(n, low, high, np.random.default_rng(1000))
    said = model.greedy(source, BOS, EOS, wanted.shape[1], lengths).numpy()
    right = [LETTERS.decode(a) == LETTERS.decode(b) for a, b in zip(said, wanted.numpy())]
    return float(np.mean(right))


def train_reversal(seed, steps=3000):
    """The encoder-decoder of the chapter, trained on words of 2 to 8 letters."""
    rng = np.random.default_rng(seed)
    model = Seq2Seq(len(LETTERS), len(LETTERS), 32, 96, "rnn", rng=rng)
    optimiser, rate = torch.optim.Adam(model.parameters(), fused=True), cosine(3e-3, steps)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate(step)
        source, lengths, fed, wanted = reversal_batch(64, 2, 8, rng)
        scores = model(source, fed, lengths)
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), wanted.flatten(), ignore_index=PAD)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return model


@experiment(
    CHAPTER,
    "reversal",
    seeds=3,
    band={"trained": 0.02}
    | {f"length_{n}": 0.03 for n in range(2, 9)}
    | {"length_9": 0.15, "length_10": 0.1},
)
def reversal_run(seed):
    """Share of words reversed exactly: lengths 2 to 8 together, and each length up to 10."""
    model = train_reversal(seed)
    by_length = {f"length_{n}": exact(model, n, n) for n in range(2, 11)}
    return {"trained": exact(model, 2, 8)} | by_length


# --- Forecast --------------------------------------------------------------------------------------------

WIDTH, TEST = 48, 240


def forecast_data(seed):
    """Windows of 48 values less their mean, and the next value likewise: training and test parts."""
    x, y = windows(seasonal(rng=np.random.default_rng(seed)), WIDTH)
    level = x.mean(axis=1)
    x, y = x - level[:, None], y - level
    return x[:-TEST], y[:-TEST], x[-TEST:], y[-TEST:]


def rmse(error):
    return float(np.sqrt(np.mean(np.asarray(error) ** 2)))


class Forecaster(nn.Module):
    """Read the window, then say the next value."""

    def __init__(self, hidden, *, rng):
        super().__init__()
        self.rnn = nn.RNN(1, hidden, batch_first=True)
        self.output = nn.Linear(hidden, 1)
        initialise(self, rng)

    def forward(self, x):
        h, _ = self.rnn(x[:, :, None])  # (N, T, H)
        return self.output(h[:, -1])[:, 0]  # (N,)


def train_forecaster(seed, epochs=40, hidden=32, lr=1e-2):
    rng = np.random.default_rng(seed)
    x, y, _, _ = (torch.tensor(part, dtype=torch.float32) for part in forecast_data(seed))
    model = Forecaster(hidden, rng=rng)
    optimiser = torch.optim.Adam(model.parameters(), fused=True)
    rate = cosine(lr, epochs * math.ceil(len(x) / 64))
    step = 0
    for _ in range(epochs):
        for rows in torch.from_numpy(rng.permutation(len(x))).split(64):
            optimiser.param_groups[0]["lr"] = rate(step)
            loss = ((model(x[rows]) - y[rows]) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
    return model


@experiment(CHAPTER, "forecast", seeds=5, band={"rnn": 0.03, "last": 1e-9, "seasonal": 1e-9, "linear": 1e-6})
def forecast_run(seed):
    """Root mean square errors on the last ten days: two naive rules, a linear one, the network."""
    x, y, x_test, y_test = forecast_data(seed)
    design = [np.column_stack([part, np.ones(len(part))]) for part in (x, x_test)]
    linear = np.linalg.lstsq(design[0], y, rcond=None)[0]
    model = train_forecaster(seed)
    with torch.no_grad():
        said = model(torch.tensor(x_test, dtype=torch.float32)).numpy()
    return {
        "last": rmse(x_test[:, -1] - y_test),
        "seasonal": rmse(x_test[:, -24] - y_test),
        "linear": rmse(design[1] @ linear - y_test),
        "rnn": rmse(said - y_test),
    }


# --- One to many: the image of a digit spells its name ---------------------------------------------------

DIGIT_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPELLING = Vocabulary(DIGIT_NAMES)


class Speller(nn.Module):
    """An image becomes the first state; the network writes one letter after the other."""

    def __init__(self, hidden=64, *, rng):
        super().__init__()
        self.start = nn.Linear(64, hidden)
        self.embedding = nn.Embedding(len(SPELLING), 16)
        self.rnn = nn.RNN(16, hidden, batch_first=True)
        self.output = nn.Linear(hidden, len(SPELLING))
        initialise(self, rng)

    def forward(self, image, fed):
        h, _ = self.rnn(self.embedding(fed), torch.tanh(self.start(image))[None])
        return self.output(h)  # (N, T, V)

    @torch.no_grad()
    def spell(self, image, longest=6):
        """Write greedily, feeding every letter back: token numbers (N, longest)."""
        state, token, said = torch.tanh(self.start(image))[None], torch.full((len(image),), BOS), []
        for _ in range(longest):
            h, state = self.rnn(self.embedding(token[:, None]), state)
            token = self.output(h[:, 0]).argmax(-1)
            said.append(token)
        return torch.stack(said, dim=1)


def spelling_data(seed):
    """Digits and their names: images, what the network is fed, what it should say; then the test part."""
    x, y, x_test, y_test = digits(seed, dtype=np.float32)
    fed, wanted = teacher_forcing([SPELLING.encode(name) for name in DIGIT_NAMES])
    x, fed, wanted, x_test = map(torch.from_numpy, (x, fed[y], wanted[y], x_test))
    return x, fed, wanted, x_test, y_test


def train_speller(seed, epochs=20):
    rng = np.random.default_rng(seed)
    x, fed, wanted, _, _ = spelling_data(seed)
    model = Speller(rng=rng)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3, fused=True)
    for _ in range(epochs):
        for rows in torch.from_numpy(rng.permutation(len(x))).split(64):
            scores = model(x[rows], fed[rows]).flatten(0, 1)
            loss = nn.functional.cross_entropy(scores, wanted[rows].flatten(), ignore_index=PAD)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
    return model


@experiment(CHAPTER, "spelling", seeds=5, band={"exact": 0.02, "names": 0.02})
def spelling_run(seed):
    """Share of 360 test images whose name is spelt right, and of those that get the name of some digit."""
    _, _, _, x_test, y_test = spelling_data(seed)
    said = ["".join(SPELLING.decode(row)) for row in train_speller(seed).spell(x_test)]
    right = [word == DIGIT_NAMES[label] for word, label in zip(said, y_test)]
    return {"exact": float(np.mean(right)), "names": float(np.mean([w in DIGIT_NAMES for w in said]))}


# --- Many to many: names in sentences --------------------------------------------------------------------


class Tagger(nn.Module):
    """One score per word: is it a name? Without memory, the recurrent layer is an affine map with tanh."""

    def __init__(self, size, memory=True, *, rng):
        super().__init__()
        self.embedding = nn.Embedding(size, 16)
        self.rnn = nn.RNN(16, 32, batch_first=True)
        self.output = nn.Linear(32, 1)
        self.memory = memory
        initialise(self, rng)

    def forward(self, tokens):
        x = self.embedding(tokens)  # (N, T, D)
        if not self.memory:  # every word is a sequence of its own
            x = x.flatten(0, 1)[:, None]
        h, _ = self.rnn(x)
        return self.output(h).reshape(tokens.shape)  # (N, T)


def tagging_data(seed):
    """1,000 sentences to train on and 1,000 to test: tokens, lengths and tags, padded."""
    rng = np.random.default_rng(seed)
    train, test = tagged(1000, rng=rng), tagged(1000, rng=rng)
    vocabulary = Vocabulary(words for words, _ in train)
    parts = []
    for pairs in (train, test):
        tokens, _ = pad([vocabulary.encode(words) for words, _ in pairs])
        tags, _ = pad([tags for _, tags in pairs])  # a padded place has the tag 0 and is left out
        parts.append((torch.from_numpy(tokens), torch.from_numpy(tags).float()))
    return vocabulary, *parts


def train_tagger(seed, memory=True, epochs=10):
    vocabulary, (tokens, tags), _ = tagging_data(seed)
    rng = np.random.default_rng(seed)
    model = Tagger(len(vocabulary), memory, rng=rng)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2, fused=True)
    for _ in range(epochs):
        for rows in torch.from_numpy(rng.permutation(len(tokens))).split(32):
            real = tokens[rows] != PAD
            scores = model(tokens[rows])[real]
            loss = nn.functional.binary_cross_entropy_with_logits(scores, tags[rows][real])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return model


@experiment(
    CHAPTER,
    "tagging",
    [{"memory": memory} for memory in (True, False)],
    seeds=5,
    band={"words": 0.02, "sentences": 0.03},
)
def tagging_run(seed, *, memory):
    """Share of words tagged rightly in 1,000 new sentences, and of sentences without any mistake."""
    _, _, (tokens, tags) = tagging_data(seed)
    model = train_tagger(seed, memory)
    with torch.no_grad():
        said = model(tokens) > 0
    right, real = said == (tags == 1), tokens != PAD
    sentences = (right | ~real).all(dim=1)
    return {"words": float(right[real].double().mean()), "sentences": float(sentences.double().mean())}


# --- Characters ------------------------------------------------------------------------------------------

CORPUS = 40_000


def characters(seed):
    """The corpus as numbers: the alphabet, 36,000 characters to train on, 4,000 held out."""
    text = grammar.text(CORPUS, rng=np.random.default_rng(seed))
    alphabet = sorted(set(text))
    numbers = np.array([alphabet.index(c) for c in text])
    return alphabet, numbers[: CORPUS * 9 // 10], numbers[CORPUS * 9 // 10 :]


class CharacterModel(nn.Module):
    """Read characters, and say at every step what may come next."""

    def __init__(self, size, cell="gru", hidden=128, *, rng):
        super().__init__()
        self.embedding = nn.Embedding(size, 32)
        self.cell = {"rnn": nn.RNN, "gru": nn.GRU}[cell](32, hidden, batch_first=True)
        self.output = nn.Linear(hidden, size)
        initialise(self, rng)

    def forward(self, tokens, state=None):
        h, state = self.cell(self.embedding(tokens), state)
        return self.output(h), state  # (N, T, V)


def train_characters(seed, cell, steps=600, batch=24, length=64):
    alphabet, train, _ = characters(seed)
    rng = np.random.default_rng(seed)
    model = CharacterModel(len(alphabet), cell, rng=rng)
    optimiser, rate = torch.optim.Adam(model.parameters(), fused=True), cosine(5e-3, steps)
    train = torch.from_numpy(train)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate(step)
        starts = torch.from_numpy(rng.integers(0, len(train) - length, batch))
        rows = train[starts[:, None] + torch.arange(length + 1)]  # (N, T + 1)
        scores, _ = model(rows[:, :-1])
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), rows[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return model


@torch.no_grad()
def bits(model, numbers):
    """Bits per character of one long text, read once from its beginning; the first character is given."""
    tokens = torch.from_numpy(numbers)[None]
    scores, _ = model(tokens[:, :-1])
    return float(nn.functional.cross_entropy(scores[0], tokens[0, 1:])) / math.log(2)


def ngram_bits(train, test, size, order):
    """The same for counts of the last `order` - 1 characters and the next, with 0.1 added to each."""
    counts = {}
    for i in range(order - 1, len(train)):
        counts.setdefault(tuple(train[i - order + 1 : i]), np.full(size, 0.1))[train[i]] += 1
    unseen, total = np.full(size, 0.1), 0.0
    for i in range(1, len(test)):
        row = counts.get(tuple(test[max(0, i - order + 1) : i]), unseen)
        total -= math.log2(row[test[i]] / row.sum())
    return total / (len(test) - 1)


@experiment(
    CHAPTER,
    "characters",
    [{"cell": cell} for cell in ("rnn", "gru")],
    seeds=3,
    band={"bits": 0.04, "bigram": 1e-9, "trigram": 1e-9, "fourgram": 1e-9},
)
def characters_run(seed, *, cell):
    """Bits per character on held-out text: the network, counts of pairs, counts of triples."""
    alphabet, train, test = characters(seed)
    size = len(alphabet)
    return {
        "bits": bits(train_characters(seed, cell), test),
        "bigram": ngram_bits(train, test, size, 2),
        "trigram": ngram_bits(train, test, size, 3),
        "fourgram": ngram_bits(train, test, size, 4),
    }
