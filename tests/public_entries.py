"""One entry for every public name of the library; how to read them stands in public_inputs."""

import math
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from dlcourse import autodiff, checkpoint, training
from dlcourse import pytorch as pt
from dlcourse import reference as ref
from dlcourse.data import (
    augment,
    canvas,
    cat,
    clusters,
    dates,
    digits,
    gates,
    glyphs,
    grammar,
    iris,
    mixture,
    names,
    phrases,
    sequences,
    series,
    tokens,
)
from dlcourse.reference import gan, gradcheck, init, layer, optim, recurrent, transformer
from tests.public_inputs import (
    DTYPE,
    RNG,
    Array,
    Entry,
    Plain,
    as_it_is,
    choice,
    count,
    floats,
    number,
    pair,
    reals,
    whole,
)

MADE = {"rng": RNG, "dtype": DTYPE}
SAME = {"x": floats(..., "D", any_rank=True)}  # layers that take any shape
STEPS = {"x": floats("N", "T", 3)}
# For two sequences of two steps.
LENGTHS = Plain(
    None, tuple((v, (TypeError, ValueError)) for v in ([1], [0, 1], [1, 9], [1.0, 2.0], [[1], []], 1, "ab"))
)
PADDING = Plain(
    None,
    (
        (np.zeros((2, 9), bool), ValueError),
        (np.zeros(2, bool), ValueError),
        (np.ones((2, 2), bool), ValueError),  # nothing is left to look at
        (np.zeros((2, 2)), TypeError),
        (np.zeros((2, 2), int), TypeError),
        ([[True], []], ValueError),
        (True, ValueError),
    ),
)
STATES = Plain(
    None,
    tuple(
        (v, (TypeError, ValueError))
        for v in (
            5,
            1.5,
            "ab",
            np.zeros((9, 2)),
            np.zeros((2, 9)),
            np.zeros((2, 2), int),
            [np.zeros((2, 2))] * 3,
        )
    ),
)
IMAGES = {"x": floats("N", 3, "H", "W")}


def multihead():
    """torch's layer, its parameters by torch's names, called as ours is."""
    twin = torch.nn.MultiheadAttention(4, 2, batch_first=True)
    attend = twin.forward
    twin.forward = lambda query, key: attend(query, key, key)
    return twin


PAIR = {"prediction": floats("N", "D", finite=True), "target": floats("N", "D", finite=True)}
CHANCES = {name: floats("N", "D", low=0.0, high=1.0, bounded=True, finite=True) for name in PAIR}
FLAG, SEED = as_it_is(True), as_it_is(0)


def fresh():
    return np.random.default_rng(0)


def like(function):
    """The twin of a function of arrays: the same from torch, as an array."""
    return lambda *arrays: function(*(torch.from_numpy(np.array(a)) for a in arrays)).numpy()


ACTIVATIONS = [
    Entry(ref.ReLU, {}, SAME, torch.nn.ReLU),
    Entry(ref.LeakyReLU, {"negative_slope": number(0.2)}, SAME, lambda: torch.nn.LeakyReLU(0.2)),
    Entry(ref.Sigmoid, {}, SAME, torch.nn.Sigmoid),
    Entry(ref.Tanh, {}, SAME, torch.nn.Tanh),
    Entry(ref.Softplus, {}, SAME, torch.nn.Softplus),
    Entry(ref.GELU, {"approximate": choice("none")}, SAME, torch.nn.GELU),
    Entry(
        ref.Softmax,
        {"dim": Plain(-1, ((0.5, TypeError), (None, TypeError)))},
        {"x": floats(..., "D")},
        lambda: torch.nn.Softmax(-1),
        not_empty=("D",),
    ),
    Entry(
        ref.LogSoftmax,
        {"dim": Plain(-1, ((0.5, TypeError), (None, TypeError)))},
        {"x": floats(..., "D")},
        lambda: torch.nn.LogSoftmax(-1),
        not_empty=("D",),
    ),
    Entry(ref.step, {}, {"x": reals(...)}, lambda x: 1.0 * (x >= 0)),
    Entry(ref.sigmoid, {}, {"x": reals(...)}, like(torch.sigmoid)),
    *(
        Entry(
            function,
            {},
            {"x": reals(..., "D"), "axis": Plain(-1, ((9, ValueError), (0.5, TypeError)))},
            like(lambda x, axis, f=twin: f(x, -1)),
            not_empty=("D",),
        )
        for function, twin in ((ref.softmax, torch.softmax), (ref.log_softmax, torch.log_softmax))
    ),
]
LAYERS = [
    Entry(
        ref.Linear,
        {"in_features": count(3), "out_features": count(2), "bias": FLAG, **MADE},
        {"x": floats(..., 3)},
        lambda: torch.nn.Linear(3, 2),
    ),
    Entry(
        ref.Conv2d,
        {
            "in_channels": count(3),
            "out_channels": count(2),
            "kernel_size": pair(2),
            "stride": pair(1),
            "padding": pair(1),
            "bias": FLAG,
            **MADE,
        },
        IMAGES,
        lambda: torch.nn.Conv2d(3, 2, 2, padding=1),
    ),
    Entry(
        ref.Conv1d,
        {
            "in_channels": count(3),
            "out_channels": count(2),
            "kernel_size": count(2),
            "stride": count(1),
            "padding": count(1, least=0),
            "bias": FLAG,
            **MADE,
        },
        {"x": floats("N", 3, "L")},
        lambda: torch.nn.Conv1d(3, 2, 2, padding=1),
    ),
    *(
        Entry(
            ours,
            {"kernel_size": count(2), "stride": count(1, optional=True)},
            {"x": floats("N", "C", "H", "W")},
            lambda twin=twin: twin(2, 1),
            least={"H": 2, "W": 2},
        )
        for ours, twin in ((ref.MaxPool2d, torch.nn.MaxPool2d), (ref.AvgPool2d, torch.nn.AvgPool2d))
    ),
    *(
        Entry(
            ours,
            {"num_features": count(3), "eps": number(1e-5, 0), "momentum": number(0.1), "dtype": DTYPE},
            {"x": floats("N", 3, *rest)},
            lambda twin=twin: twin(3),
            least={"N": 3},
        )
        for ours, twin, rest in (
            (ref.BatchNorm1d, torch.nn.BatchNorm1d, ("L",)),
            (ref.BatchNorm2d, torch.nn.BatchNorm2d, ("H", "W")),
        )
    ),
    Entry(
        ref.LayerNorm,
        {"normalized_shape": count(3), "eps": number(1e-5, 0), "dtype": DTYPE},
        {"x": floats(..., 3)},
        lambda: torch.nn.LayerNorm(3),
    ),
    Entry(
        ref.Embedding,
        {
            "num_embeddings": count(5),
            "embedding_dim": count(2),
            "padding_idx": Plain(None, ((5, ValueError), (-6, ValueError), (0.5, TypeError))),
            **MADE,
        },
        {"x": whole(5, ...)},
        lambda: torch.nn.Embedding(5, 2),
    ),
    Entry(ref.Dropout, {"p": number(0.0, 0, 1), "rng": RNG}, SAME, lambda: torch.nn.Dropout(0.0)),
    *(
        Entry(
            ours,
            {"input_size": count(3), "hidden_size": count(2), **MADE},
            {**STEPS, "state": STATES, "lengths": LENGTHS},
            lambda twin=twin: twin(3, 2, batch_first=True),
        )
        for ours, twin in ((ref.RNN, torch.nn.RNN), (ref.LSTM, torch.nn.LSTM), (ref.GRU, torch.nn.GRU))
    ),
    Entry(
        ref.MultiheadAttention,
        {"embed_dim": count(4), "num_heads": count(2), **MADE},
        {
            "query": floats("N", "Tq", 4),
            "key": floats("N", "Tk", 4, optional=True),
            "key_padding_mask": PADDING,
            "is_causal": as_it_is(False),
        },
        multihead,
        least={"Tk": 2},
    ),
    Entry(ref.SinusoidalPositions, {"embedding_dim": count(3)}, STEPS),
    Entry(ref.LearnedPositions, {"max_length": count(9), "embedding_dim": count(3), **MADE}, STEPS),
    Entry(
        ref.Sequential,
        {},
        {"x": floats(..., 3)},
        run=lambda x: ref.Sequential(ref.Linear(3, 2, rng=fresh()), ref.ReLU())(x),
    ),
]
LOSSES = [
    Entry(ref.MSELoss, {}, PAIR, torch.nn.MSELoss),
    Entry(ref.L1Loss, {}, PAIR, torch.nn.L1Loss),
    Entry(ref.BCELoss, {}, CHANCES, torch.nn.BCELoss),
    Entry(
        ref.BCEWithLogitsLoss,
        {},
        PAIR | {"target": CHANCES["target"]},
        torch.nn.BCEWithLogitsLoss,
    ),
    Entry(
        ref.CrossEntropyLoss,
        {"ignore_index": Plain(-100, ((0.5, TypeError), (None, TypeError)))},
        {"prediction": floats("N", 4, finite=True, wider=True), "target": whole(4, "N")},
        torch.nn.CrossEntropyLoss,
    ),
    Entry(
        ref.KLDivLoss,
        {"reduction": choice("batchmean")},
        PAIR | {"target": floats("N", "D", low=0.0, high=1.0, finite=True)},
        lambda: torch.nn.KLDivLoss(reduction="batchmean"),
    ),
]
TOKENS = {"tokens": whole(5, "N", "T"), "padding": PADDING}
SMALL = {"embed_dim": count(4), "num_heads": count(2), "hidden_dim": count(3), "num_layers": count(1)}
DROP = {"dropout": number(0.0, 0, 1)}


WIDTHS = Plain(
    (3, 4, 2), (((3,), ValueError), ((3, 4, 0), ValueError), ((3, 4, 1.5), TypeError), (3, TypeError))
)
MODELS = [
    Entry(
        ref.MLP,
        {"sizes": WIDTHS, "activation": choice("relu"), **MADE},
        {"x": floats(..., 3)},
        lambda: pt.MLP((3, 4, 2), rng=fresh()),
    ),
    Entry(
        ref.CNN,
        {
            "in_channels": count(3),
            "image_size": count(4, least=2),
            "classes": count(2),
            "channels": Plain((2, 3), (((2,), ValueError), ((2, 0), ValueError), (1.5, TypeError))),
            "hidden": count(4),
            **DROP,
            **MADE,
        },
        {"x": floats("N", 3, 4, 4)},
        lambda: pt.CNN(3, 4, 2, (2, 3), 4, 0.0, rng=fresh()),
    ),
    Entry(
        ref.Generator,
        {"latent_size": count(3), "hidden_sizes": as_it_is((4,)), "out_size": count(2), **MADE},
        {"x": floats(..., 3)},
        lambda: pt.Generator(3, (4,), 2, rng=fresh()),
    ),
    Entry(
        ref.Discriminator,
        {
            "in_size": count(3),
            "hidden_sizes": as_it_is((4,)),
            "negative_slope": number(0.01),
            **MADE,
        },
        {"x": floats(..., 3)},
        lambda: pt.Discriminator(3, (4,), rng=fresh()),
    ),
    Entry(
        ref.Seq2Seq,
        {
            "source_size": count(5),
            "target_size": count(4),
            "embedding_dim": count(3),
            "hidden_size": count(2),
            "cell": choice("gru"),
            "attention": FLAG,
            **MADE,
        },
        {"source": whole(5, "N", "S"), "target": whole(4, "N", "T"), "lengths": LENGTHS},
        lambda: pt.Seq2Seq(5, 4, 3, 2, "gru", True, rng=fresh()),
    ),
    Entry(
        ref.TransformerClassifier,
        {
            "vocabulary_size": count(5),
            "classes": count(3),
            **SMALL,
            "pooling": choice("mean"),
            "positions": choice("learned"),
            "max_length": count(9),
            "causal": as_it_is(False),
            **DROP,
            **MADE,
        },
        TOKENS,
        lambda: pt.TransformerClassifier(5, 3, 4, 2, 3, 1, positions="learned", max_length=9, rng=fresh()),
    ),
    Entry(
        ref.CausalLM,
        {"vocabulary_size": count(5), "context": count(9), **SMALL, **DROP, **MADE},
        {"tokens": whole(5, "N", "T")},
        lambda: pt.CausalLM(5, 9, 4, 2, 3, 1, rng=fresh()),
    ),
    Entry(
        ref.Transformer,
        {"source_size": count(5), "target_size": count(4), **SMALL, **DROP, **MADE},
        {"source": whole(5, "N", "S"), "target": whole(4, "N", "T"), "padding": PADDING},
        lambda: pt.Transformer(5, 4, 4, 2, 3, 1, rng=fresh()),
        least={"S": 2, "T": 2},
    ),
    Entry(
        transformer.Block,
        {
            "embed_dim": count(4),
            "num_heads": count(2),
            "hidden_dim": count(3),
            **DROP,
            "causal": as_it_is(False),
            "crossing": as_it_is(True),
            **MADE,
        },
        {
            "x": floats("N", "T", 4),
            "memory": floats("N", "S", 4),
            "padding": PADDING,
            "memory_padding": PADDING,
        },
    ),
    Entry(
        transformer.Tokens,
        {
            "vocabulary_size": count(5),
            "embed_dim": count(4),
            "positions": choice("learned"),
            "max_length": count(9),
            **DROP,
            **MADE,
        },
        {"tokens": whole(5, "N", "T")},
    ),
    Entry(
        ref.Perceptron,
        {"in_features": count(3), "rng": as_it_is(None), "dtype": DTYPE},
        {"x": floats("N", 3)},
    ),
]


def trained(kind):
    """Make an optimiser and take one step."""

    def run(**arguments):
        model = ref.Linear(3, 2, rng=fresh())
        model.backward(np.ones_like(model(np.ones((4, 3)))))
        kind(model, **arguments).step()
        return model.state_dict()

    return run


RATES = {"lr": number(0.1, 0), "weight_decay": number(0.1, 0), "matrices_only": FLAG}
EPS = {"eps": number(1e-8, 0)}
BETAS = {
    "betas": Plain(
        (0.9, 0.99),
        (((0.9, 1.0), ValueError), ((-0.1, 0.9), ValueError), ((0.9,), ValueError), (0.9, ValueError)),
    )
}


def clipped(max_norm):
    model = ref.Linear(3, 2, rng=fresh())
    model.backward(np.ones_like(model(np.ones((4, 3)))))
    return ref.clip_grad_norm(model, max_norm), dict(model.grads)


OPTIMISERS = [
    Entry(ref.SGD, RATES | {"momentum": number(0.5, 0)}, run=trained(ref.SGD)),
    Entry(ref.RMSprop, RATES | EPS | {"alpha": number(0.9, 0)}, run=trained(ref.RMSprop)),
    Entry(ref.Adam, RATES | EPS | BETAS, run=trained(ref.Adam)),
    Entry(ref.AdamW, RATES | EPS | BETAS, run=trained(ref.AdamW)),
    Entry(
        ref.clip_grad_norm,
        {"max_norm": Plain(0.5, ((-1.0, ValueError), (math.nan, ValueError), ("1", TypeError)))},
        run=clipped,
    ),
]
SHAPE = Plain(
    (3, 2),
    (((-1, 2), ValueError), ((2.5, 2), TypeError), (3, TypeError), ("ab", TypeError), (None, TypeError)),
)
WEIGHT = Plain(SHAPE.good, (*SHAPE.wrong, ((3,), ValueError), ((0, 2), ValueError)))
DRAWN = {"gain": number(1.0), **MADE}
STARTS = [
    Entry(init.uniform, {}, {"shape": SHAPE, "low": number(0.0), "high": number(1.0), **MADE}),
    Entry(init.normal, {}, {"shape": SHAPE, "mean": number(0.0), "std": number(1.0, 0), **MADE}),
    *(
        Entry(function, {}, {"shape": WEIGHT, **DRAWN})
        for function in (
            init.xavier_uniform,
            init.xavier_normal,
            init.kaiming_uniform,
            init.kaiming_normal,
            init.orthogonal,
        )
    ),
    Entry(init.fans, {}, {"shape": WEIGHT}),
]
FUNCTIONS = [
    Entry(
        ref.correlate2d,
        {},
        {"image": reals("H", "W"), "kernel": reals("kh", "kw")},
        like(lambda x, k: functional.conv2d(x[None, None], k[None, None])[0, 0]),
        least={"H": 5, "W": 5},
        not_empty=("H", "W", "kh", "kw"),
    ),
    Entry(
        ref.convolve2d,
        {},
        {"image": reals("H", "W"), "kernel": reals("kh", "kw")},
        like(lambda x, k: functional.conv2d(x[None, None], k.flip(0, 1)[None, None])[0, 0]),
        least={"H": 5, "W": 5},
        not_empty=("H", "W", "kh", "kw"),
    ),
    Entry(
        ref.scaled_dot_product_attention,
        {},
        {
            "query": floats(..., "Tq", "d"),
            "key": floats(..., "Tk", "d", fixed_leading=True),
            "value": floats(..., "Tk", "dv", fixed_leading=True),
            "mask": Array("booleans", ("Tq", "Tk"), optional=True, any_rank=True),
        },
        lambda q, k, v, mask: (
            like(functional.scaled_dot_product_attention)(q, k, v),
            torch.softmax(torch.from_numpy(q @ k.mT) / q.shape[-1] ** 0.5, -1).numpy(),
        ),
    ),
    Entry(ref.causal_mask, {}, {"T": count(3, least=0)}),
    Entry(
        gan.r1_penalty,
        {"strength": number(0.3, 0)},
        {"x": floats("N", 2)},
        run=lambda x, strength: gan.r1_penalty(ref.Discriminator(rng=fresh()), x, strength),
        not_empty=("N",),
    ),
    Entry(
        gradcheck.numerical_gradient,
        {"step": number(1e-6, 1e-12)},
        {"x": floats(...)},
        run=lambda x, step: gradcheck.numerical_gradient(
            lambda: float((np.ascontiguousarray(x, float) ** 2).sum()),  # rounded alike in every layout
            x,
            step,
        ),
    ),
    Entry(
        gradcheck.gradient_errors,
        {"rng": RNG},
        run=lambda rng: gradcheck.gradient_errors(ref.Tanh(), np.eye(3), rng=rng),
    ),
    Entry(
        gradcheck.assert_gradients,
        {"rng": RNG, "tolerance": number(1e-6, 0)},
        run=lambda **arguments: gradcheck.assert_gradients(ref.Tanh(), np.eye(3), **arguments),
    ),
]


def value_and_tangent(value, tangent):
    y = np.tanh(autodiff.Dual(value, tangent) * 2)
    return y.value, y.tangent


def taped(value):
    tape = autodiff.Tape()
    x = tape.variable(value)
    return tape.gradient((x * x).sum(), [x])


AUTODIFF = [
    Entry(
        autodiff.Dual,
        {},
        {"value": reals(...), "tangent": reals(..., fixed_leading=True)},
        run=value_and_tangent,
    ),
    Entry(
        autodiff.jvp,
        {},
        {"x": reals(...), "v": reals(..., fixed_leading=True)},
        lambda x, v: (np.tanh(x), v * (1 - np.tanh(x) ** 2)),
        run=lambda x, v: autodiff.jvp(np.tanh, x, v),
    ),
    Entry(
        autodiff.gradient_forward,
        {},
        {"x": reals(...)},
        lambda x: 2 * x,
        run=lambda x: autodiff.gradient_forward(lambda x: (x * x).sum(), x),
    ),
    Entry(autodiff.Tape, {}, {"value": reals(...)}, lambda x: 2 * x, run=lambda value: taped(value)[0]),
    Entry(
        autodiff.gradient,
        {},
        {"x": reals(...)},
        lambda x: 2 * x,
        run=lambda x: autodiff.gradient(lambda x: (x * x).sum(), x)[0],
    ),
]
MANY = {"n": count(3, least=0), "rng": RNG}
LENGTH = {"length": count(4)}
BATCH = {"images": floats("N", "C", "H", "W"), "rng": RNG}
BOXES = reals("N", 4, low=1.0)
DATA = [
    Entry(augment.shifted, {}, BATCH | {"most": count(1, least=0)}),
    Entry(augment.flipped, {}, BATCH),
    Entry(augment.noisy, {}, BATCH | {"std": number(0.1, 0)}),
    Entry(
        canvas.placed,
        {},
        {
            "images": floats("N", "C", "H", "W", low=0.1),
            "size": count(9),
            "scales": Plain((1,), (((), ValueError), ((0,), ValueError), ((1.5,), TypeError))),
            "rng": RNG,
        },
    ),
    Entry(canvas.around, {}, {"canvas": reals("C", "H", "W", low=0.1)}),
    Entry(canvas.overlap, {}, {"a": BOXES, "b": BOXES}),
    Entry(cat.cat_and_other, {}, {"dtype": DTYPE}),
    Entry(clusters.two_clusters, {}, MANY),
    Entry(
        dates.split_days,
        {},
        {"held_out": Plain(5, ((-1, ValueError), (10**6, ValueError), (2.5, TypeError))), "rng": RNG},
    ),
    Entry(dates.date_pairs, {}, {"days": whole(dates.DAYS, "N"), "rng": RNG}),
    Entry(
        digits.digits,
        {},
        {"seed": SEED, "flat": FLAG, "dtype": DTYPE, "test_share": number(0.2, 0, 1, ((0.0, ValueError),))},
    ),
    Entry(
        digits.stratified_split,
        {},
        {
            "labels": as_it_is(np.repeat([0, 1, 2], 4)),
            "test_share": number(0.5, 0, 1, ((0.0, ValueError),)),
            "rng": RNG,
        },
    ),
    Entry(gates.gate, {}, {"name": choice("XOR")}),
    Entry(glyphs.glyphs, {}, MANY | {"noise": number(0.1, 0), "dtype": DTYPE}),
    Entry(grammar.sentence, {}, {"rng": RNG}),
    Entry(grammar.text, {}, {"characters": count(9, least=0), "rng": RNG}),
    Entry(iris.iris_pair, {}, {"first": choice("setosa"), "second": choice("virginica")}),
    Entry(mixture.two_gaussians, {}, MANY | {"halves": FLAG}),
    Entry(mixture.quality, {}, {"points": reals("N", 2)}, not_empty=("N",)),
    Entry(mixture.passes, {}, {"points": reals("N", 2)}, not_empty=("N",)),
    Entry(
        mixture.sliced_distance,
        {},
        {"a": reals("N", 2), "b": reals("N", 2), "rng": RNG, "directions": count(8)},
        not_empty=("N",),
    ),
    Entry(names.tagged, {}, MANY),
    Entry(
        phrases.split_phrases,
        {},
        {"held_out": Plain(5, ((-1, ValueError), (10**6, ValueError), (2.5, TypeError))), "rng": RNG},
    ),
    Entry(
        sequences.one_hot,
        {},
        {"indices": whole(4, ...), "size": count(4), "dtype": as_it_is(float)},
        lambda x, size, dtype: functional.one_hot(torch.from_numpy(np.array(x)), 4).double().numpy(),
    ),
    Entry(sequences.max_of_three, {}, MANY | {"high": number(10.0)}),
    Entry(sequences.shift, {}, MANY | LENGTH | {"vocabulary": count(3)}),
    Entry(sequences.recall, {}, MANY | LENGTH | {"vocabulary": count(3)}),
    Entry(sequences.adding, {}, MANY | {"length": count(4, least=2)}),
    Entry(sequences.sum_mod, {}, MANY | LENGTH | {"modulus": count(3)}),
    Entry(
        sequences.reversal,
        {},
        MANY | {"low": count(2), "high": count(3), "alphabet": count(4)},
    ),
    Entry(series.seasonal, {}, {"n": count(9, least=0), "rng": RNG}),
    Entry(series.windows, {}, {"series": reals("L"), "width": count(2)}, least={"L": 3}),
    Entry(
        series.random_walk,
        {},
        {"n": count(3), "rng": RNG, "start": number(100.0), "volatility": number(0.1, 0)},
    ),
    Entry(
        tokens.pad,
        {},
        {
            "rows": Plain(
                [[1, 2], [3]],
                (([], ValueError), ([[]], ValueError), ([[1.5]], TypeError), ([["a"]], TypeError)),
            ),
            "length": count(5, optional=True),
        },
    ),
    Entry(tokens.padding_mask, {}, {"lengths": whole(4, "N"), "width": count(3)}),
    Entry(
        tokens.teacher_forcing,
        {},
        {"rows": Plain([[4, 5], [6]], (([], ValueError), ([[1.5]], TypeError))), "length": as_it_is(None)},
    ),
    Entry(
        tokens.Vocabulary,
        {},
        {"texts": Plain([["a", "b"], "cd"], ((5, TypeError), (None, TypeError), ([["a", 1]], TypeError)))},
        run=lambda texts: len(tokens.Vocabulary(texts)),
    ),
]


def stopping(**arguments):
    stop = training.EarlyStopping(**arguments)
    return [stop(value) for value in (1.0, 2.0, 3.0)]


def written(array):
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.save(Path(folder) / "file", {"array": array})
        return checkpoint.load(Path(folder) / "file")[0]


TRAINING = [
    Entry(
        training.batches,
        {"size": count(2)},
        run=lambda size: list(training.batches(np.eye(3), np.arange(3), size=size)),
    ),
    Entry(training.steps, {}, {"x": as_it_is([1, 2, 3]), "batch_size": count(2)}),
    Entry(training.accuracy, {}, {"scores": reals("N", "C"), "labels": reals("N")}, not_empty=("N",)),
    Entry(
        training.EarlyStopping,
        {"patience": count(2), "min_delta": number(0.0, 0)},
        run=stopping,
    ),
    Entry(
        training.step_decay,
        {},
        {"peak": number(0.1, 0), "every": count(2), "factor": number(0.5, 0)},
        run=lambda **arguments: training.step_decay(**arguments)(5),
    ),
    Entry(
        training.cosine,
        {},
        {"peak": number(0.1, 0), "total": count(9), "warmup": count(2, least=0), "floor": number(0.0, 0)},
        run=lambda **arguments: training.cosine(**arguments)(5),
    ),
]


def linear():
    return ref.Linear(3, 2, rng=fresh())


def fitted(kind=ref.Adam):
    """An optimiser of a small layer."""
    return kind(linear())


def token(good):
    """A token of a vocabulary of four."""
    wrong = [(-1, ValueError), (4, ValueError), (0.5, TypeError), ("1", TypeError), (None, TypeError)]
    return Plain(good, tuple(wrong))


def restored(model):
    stop = training.EarlyStopping()
    stop(1.0, linear())
    stop.restore(model)


STATE = linear().state_dict()
STEPPED = fitted().state_dict()
NO_STATES = ((None, TypeError), ([1.0], TypeError), ("weight", TypeError))
ENDS = {"bos": token(0), "eos": Plain(1, (*token(1).wrong, (0, ValueError))), "max_length": count(3)}
WRITTEN = torch.zeros(2, 2, dtype=torch.long)
WRITES = {"count": count(2, least=0), "temperature": number(0.7, 1e-9), "rng": RNG}
AXIS = Plain(
    -1, ((9, ValueError), (-9, ValueError), ((0, 0), ValueError), (0.5, TypeError), ("x", TypeError))
)
INDEX = Plain(0, ((9, IndexError), ("x", IndexError), (0.5, IndexError), ((0, 0, 0), IndexError)))
NUMBERS = np.arange(6.0).reshape(2, 3)
OPERAND = Plain(
    NUMBERS,
    (
        (np.ones(4), ValueError),
        ([[1.0], [1.0, 2.0]], ValueError),
        ("text", TypeError),
        (None, TypeError),
        (1j, TypeError),
    ),
)


def variable():
    return autodiff.Tape().variable(NUMBERS)


def own(then):
    """What a tape does with one of its own variables."""

    def run(**given):
        tape = autodiff.Tape()
        return then(tape, tape.variable(NUMBERS), **given)

    return run


VARIABLES = ((3.0, TypeError), (variable(), ValueError))
ARRAYS = [
    entry
    for kind, of in ((autodiff.Dual, lambda: autodiff.Dual(NUMBERS, NUMBERS)), (autodiff.Variable, variable))
    for entry in (
        Entry(kind.sum, {}, {"axis": AXIS, "keepdims": FLAG}, of=of),
        Entry(kind.mean, {}, {"axis": AXIS, "keepdims": FLAG}, of=of),
        Entry(kind.__getitem__, {}, {"index": INDEX}, of=of),
        Entry(
            kind.reshape,
            {},
            {"shape": Plain((3, 2), (((4, 2), ValueError), ((2.5, 2), ValueError), (("a",), ValueError)))},
            run=lambda shape, of=of: of().reshape(*shape),
        ),
        Entry(
            kind.__array_ufunc__,
            {},
            {"other": OPERAND},
            run=lambda other, of=of: np.multiply(of(), other),
        ),
    )
]
METHODS = [
    *ARRAYS,
    Entry(
        autodiff.Tape.variable,
        {},
        {"value": reals(...), "name": Plain("x", ((5, TypeError), (None, TypeError)))},
        run=lambda value, name: autodiff.Tape().variable(value, name).value,
    ),
    Entry(
        autodiff.Tape.layer,
        {"layer": Plain(ref.Tanh(), ((np.tanh, TypeError), (ref.Perceptron(3), TypeError)))},
        {"x": Plain(None, VARIABLES)},
        run=own(lambda tape, mine, layer, x: tape.layer(layer, mine if x is None else x).value),
    ),
    Entry(
        autodiff.Tape.gradient,
        {},
        {
            "y": Plain(None, VARIABLES),
            "inputs": Plain(None, (([3.0], TypeError), ([variable()], ValueError), (variable(), TypeError))),
        },
        run=own(
            lambda tape, x, y, inputs: tape.gradient(
                x.sum() if y is None else y, [x] if inputs is None else inputs
            )
        ),
    ),
    Entry(
        layer.Layer.train,
        {},
        {"mode": Plain(True, ((1, TypeError), ("no", TypeError), (None, TypeError)))},
        of=linear,
    ),
    Entry(
        layer.Layer.load_state_dict,
        {},
        {
            "state": Plain(
                STATE,
                (
                    *NO_STATES,
                    (STATE | {"bias": np.ones(3)}, ValueError),
                    (STATE | {"bias": np.ones(2, int)}, ValueError),
                    (STATE | {"bias": ["a", "b"]}, ValueError),
                    (STATE | {"bias": [1.0, [2.0]]}, ValueError),
                    (STATE | {"other": np.ones(2)}, ValueError),
                    ({}, ValueError),
                ),
            )
        },
        of=linear,
    ),
    Entry(
        optim.Optimiser.load_state_dict,
        {},
        {
            "state": Plain(
                STEPPED,
                (
                    *NO_STATES,
                    (STEPPED | {"mean.bias": np.ones(3)}, ValueError),
                    (STEPPED | {"mean.bias": np.ones(2, complex)}, ValueError),
                    (STEPPED | {"steps": np.array(-1)}, ValueError),
                    (STEPPED | {"steps": np.array(2.5)}, ValueError),
                    (STEPPED | {"lr": np.array(-1.0)}, ValueError),
                    (STEPPED | {"lr": np.array(np.nan)}, ValueError),
                    ({}, ValueError),
                ),
            )
        },
        of=fitted,
    ),
    Entry(
        ref.Sequential.__getitem__,
        {},
        {"position": Plain(0, ((9, IndexError), ("0", TypeError), (0.5, TypeError), (None, TypeError)))},
        run=lambda position: ref.Sequential(ref.Tanh())[position].params,
    ),
    Entry(
        ref.Perceptron.update,
        {},
        {
            "x": floats("N", 3),
            "target": Plain(  # None: of ones
                None,
                (
                    ([0, 1, 1], ValueError),
                    ([[0, 1]], ValueError),
                    ([0, 2], ValueError),
                    ([0, math.nan], ValueError),
                    (["0", "1"], TypeError),
                    ([0, 1j], TypeError),
                ),
            ),
            "lr": number(0.1, 0),
        },
        run=lambda x, target, lr: ref.Perceptron(3).update(
            x, [1] * len(() if x is None else x) if target is None else target, lr
        ),
    ),
    Entry(ref.SinusoidalPositions.table, {}, {"T": count(3, least=0)}, of=lambda: ref.SinusoidalPositions(3)),
    Entry(
        recurrent.Recurrent.by_gate,
        {},
        {"name": Plain("weight_hh_l0", (("weight", ValueError), (7, ValueError), (None, ValueError)))},
        of=lambda: ref.GRU(3, 2, rng=fresh()),
    ),
    Entry(
        ref.Seq2Seq.greedy,
        {},
        {
            "source": whole(5, "N", "S"),
            **ENDS,
            "lengths": LENGTHS,
        },
        of=lambda: ref.Seq2Seq(5, 4, 3, 2, attention=True, rng=fresh()),
        not_empty=("N", "S"),
    ),
    Entry(
        ref.Transformer.greedy,
        {},
        {
            "source": whole(5, "N", "S"),
            **ENDS,
            "padding": PADDING,
        },
        of=lambda: ref.Transformer(5, 4, 4, 2, 3, 1, rng=fresh()),
        not_empty=("N", "S"),
    ),
    Entry(
        ref.CausalLM.generate,
        {},
        {"tokens": whole(5, "N", "T"), **WRITES},
        of=lambda: ref.CausalLM(5, 3, 4, 2, 3, 1, rng=fresh()),
        not_empty=("N", "T"),
    ),
    Entry(
        pt.Seq2Seq.greedy,
        {},
        {"source": as_it_is(WRITTEN), **ENDS, "lengths": as_it_is(None)},
        of=lambda: pt.Seq2Seq(5, 4, 3, 2, rng=fresh()),
    ),
    Entry(
        pt.Transformer.greedy,
        {},
        {"source": as_it_is(WRITTEN), **ENDS, "padding": as_it_is(None)},
        of=lambda: pt.Transformer(5, 4, 4, 2, 3, 1, rng=fresh()).eval(),
    ),
    Entry(
        pt.CausalLM.generate,
        {},
        {"tokens": Plain(WRITTEN, ((WRITTEN[0], ValueError), (WRITTEN[:, :0], ValueError))), **WRITES},
        of=lambda: pt.CausalLM(5, 3, 4, 2, 3, 1, rng=fresh()).eval(),
    ),
    Entry(
        pt.Perceptron.update,
        {},
        {
            "x": as_it_is(torch.ones(2, 3)),
            "target": Plain(torch.ones(2), ((torch.ones(3), ValueError), (torch.ones(2, 1), ValueError))),
            "lr": number(0.1, 0),
        },
        of=lambda: pt.Perceptron(3),
    ),
    Entry(pt.initialise, {}, {"module": as_it_is(torch.nn.Linear(3, 2)), "rng": RNG}),
    Entry(pt.device, {}, {"name": choice("cpu")}),
    Entry(
        tokens.Vocabulary.encode,
        {},
        {
            "text": Plain(
                ["a", "c"], ((5, TypeError), (None, TypeError), ([1], TypeError), ([["a"]], TypeError))
            )
        },
        of=lambda: tokens.Vocabulary([["a", "b"]]),
    ),
    Entry(
        tokens.Vocabulary.decode,
        {},
        {"numbers": whole(6, "N")},
        of=lambda: tokens.Vocabulary([["a", "b"]]),
    ),
    Entry(
        training.History.add,
        {},
        {"loss": Plain(0.3, tuple((v, TypeError) for v in ("0.3", None, 1j, True, [0.3], np.ones(2))))},
        run=lambda loss: training.History().add(loss=loss),
    ),
    Entry(
        training.EarlyStopping.__call__,
        {},
        {
            "value": Plain(
                0.3,
                (
                    (math.nan, ValueError),
                    *((v, TypeError) for v in ("0.3", None, 1j, True, [0.3], np.ones(2))),
                ),
            ),
            "model": as_it_is(None),
        },
        of=training.EarlyStopping,
    ),
    Entry(
        training.EarlyStopping.restore,
        {},
        {"model": Plain(linear(), ((None, TypeError), (STATE, TypeError), (ref.Tanh(), ValueError)))},
        run=restored,
    ),
]
ENTRIES = [
    *ACTIVATIONS,
    *LAYERS,
    *LOSSES,
    *MODELS,
    *OPTIMISERS,
    *STARTS,
    *FUNCTIONS,
    *AUTODIFF,
    *DATA,
    *TRAINING,
    *METHODS,
]

# Names without an entry, and where what they take is tested instead.
ELSEWHERE = {
    "takes nothing": "grammar.entropy_per_character phrases.phrases download.folder",
    "takes a file: test_readers, test_download, test_fuzz": """
        archive.read_members archive.RefusedArchive archive.Unpacked archive.Unpacked.read cifar.cifar10
        cifar.read_records download.cached imdb.imdb
        mnist.mnist mnist.read_idx sst2.sst2 sst2.read_tsv checkpoint.load""",
    "takes words: test_toys": "tokens.words phrases.alignment",
    "takes models: test_training, test_checkpoint, test_init": """
        training.train_numpy training.train_torch training.History checkpoint.save checkpoint.save_training
        checkpoint.resume init.tch_defaults""",
    "what the classes here are derived from": """
        layer.Layer activations.Activation losses.Loss normalization.BatchNorm optim.Optimiser
        optim.expect_rates recurrent.Recurrent""",
    "called by layers with arrays that they have checked": """
        activations.normal_cdf attention.scaled_dot_product_attention_backward
        embedding.sum_runs recurrent.sigmoid_
        gru.GRU.unroll gru.GRU.unroll_back lstm.LSTM.unroll lstm.LSTM.unroll_back rnn.RNN.unroll
        rnn.RNN.unroll_back unfolding.pad unfolding.crop unfolding.unfold unfolding.fold
        unfolding.ByColumns unfolding.row_runs unfolding.correlate_runs unfolding.ByRows""",
    "the checks of operands": "rules.operand rules.applied rules.expect_some",
    "made by the tape, or reads it: test_autodiff": "tape.Variable tape.Tape.record graph.draw rules.rule",
    "calls forward with what it gets": "layer.Layer.__call__",
    "speaks HTTP: test_serve, test_attacks": """
        serving.Handler serving.Handler.initialize serving.Handler.say serving.Handler.write_error
        serving.Limits serving.Metrics serving.NotFound serving.Predict serving.Predict.data_received
        serving.Refused serving.Service serving.Service.answer serving.application serving.from_file
        serving.main serving.parse serving.serve""",
    "made as NumPy's classes are, see `TWINS`; what it is called with, torch refuses in its own words": """
        pytorch.cnn.CNN pytorch.device.autocast pytorch.gan.Discriminator pytorch.gan.Generator
        pytorch.gan.r1_penalty pytorch.mlp.MLP pytorch.perceptron.Perceptron pytorch.seq2seq.Seq2Seq
        pytorch.transformer.Block pytorch.transformer.CausalLM pytorch.transformer.LearnedPositions
        pytorch.transformer.SinusoidalPositions pytorch.transformer.Tokens pytorch.transformer.Transformer
        pytorch.transformer.TransformerClassifier pytorch.transformer.begin""",
}
