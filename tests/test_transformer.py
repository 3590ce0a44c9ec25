"""Transformers: blocks, classifier, language model, translator against torch and differences; writing."""

import numpy as np
import pytest
import torch

from dlcourse.pytorch import transformer as twins
from dlcourse.reference.gradcheck import assert_gradients
from dlcourse.reference.layer import Layer
from dlcourse.reference.positions import LearnedPositions, SinusoidalPositions
from dlcourse.reference.transformer import Block, CausalLM, Tokens, Transformer, TransformerClassifier
from tests.mutants import Case, check_mutants
from tests.parity import DTYPES, assert_close, assert_like_torch

SIZES = {"embed_dim": 6, "num_heads": 3, "hidden_dim": 5}
PADDING = np.array([[False] * 7, [False] * 2 + [True] * 5, [False] * 6 + [True]])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def tokens(rng, *shape):
    return rng.integers(0, 11, shape or (3, 7))


def loaded(model, twin):
    """The twin with the model's weights, which must have the same names and shapes."""
    twin.double().load_state_dict({name: torch.from_numpy(a) for name, a in model.state_dict().items()})
    return twin


class Random(Layer):
    """Any model with all its weights drawn anew: zeros and ones would hide mistakes."""

    def __new__(cls, model, rng):
        state = model.state_dict()
        model.load_state_dict({name: rng.normal(0, 0.5, array.shape) for name, array in state.items()})
        return model


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("causal", "crossing"), [(False, False), (True, False), (True, True)])
def test_block_like_torch(rng, causal, crossing, dtype):
    options = dict(SIZES, causal=causal, crossing=crossing)
    block, twin = Random(Block(**options, rng=rng), rng), twins.Block(**options)
    inputs = [rng.standard_normal((3, T, 6)) for T in ((5, 7) if crossing else (5,))]
    assert_like_torch(block, twin, *inputs, rng=rng, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("positions", ["sinusoidal", "learned", None])
@pytest.mark.parametrize("pooling", ["mean", "first", None])
def test_classifier_like_torch(rng, pooling, positions, dtype):
    options = dict(
        SIZES, num_layers=2, pooling=pooling, positions=positions, max_length=8, causal=pooling is None
    )
    model = Random(TransformerClassifier(11, 4, **options, rng=rng), rng)
    twin = twins.TransformerClassifier(11, 4, **options, rng=rng)
    assert_like_torch(model, twin, tokens(rng), rng=rng, dtype=dtype)
    twin.zero_grad()
    assert_like_torch(model, twin, tokens(rng), PADDING, rng=rng, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_language_model_like_torch(rng, dtype):
    model = Random(CausalLM(11, 8, **SIZES, rng=rng), rng)
    twin = twins.CausalLM(11, 8, **SIZES, rng=rng)
    assert_like_torch(model, twin, tokens(rng), rng=rng, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_translator_like_torch(rng, dtype):
    model = Random(Transformer(11, 13, **SIZES, num_layers=2, rng=rng), rng)
    twin = twins.Transformer(11, 13, **SIZES, num_layers=2, rng=rng).eval()
    assert_like_torch(model, twin, tokens(rng), tokens(rng, 3, 5), rng=rng, dtype=dtype)
    twin.zero_grad()
    assert_like_torch(model, twin, tokens(rng), tokens(rng, 3, 5), PADDING, rng=rng, dtype=dtype)
    assert_close(model.decoder[-1].cross.weights, twin.decoder[-1].cross.weights)


class Few(Layer):
    """A model that shows only some of its parameters: differences in all of them would take minutes."""

    def __init__(self, model, *names):
        super().__init__(**{name: model.params[name] for name in names})
        self.inside = [model]  # in a list, so that it does not count as a child

    def forward(self, *inputs):
        return self.inside[0].forward(*inputs)

    def backward(self, dout):
        dinputs = self.inside[0].backward(dout)
        self.grads.update({name: self.inside[0].grads[name] for name in self.params})
        return dinputs


TINY = {"embed_dim": 4, "num_heads": 2, "hidden_dim": 3}


def few_tokens(rng, length=3):
    return rng.integers(0, 3, (2, length))


def test_gradients(rng):
    padding = np.array([[False] * 3, [False, True, True]])
    classifier = Random(TransformerClassifier(3, 4, **TINY, rng=rng), rng)
    assert_gradients(classifier, few_tokens(rng), padding, rng=rng)
    assert_gradients(Random(CausalLM(3, 4, **TINY, num_layers=1, rng=rng), rng), few_tokens(rng), rng=rng)
    translator = Random(Transformer(3, 3, **TINY, rng=rng), rng)
    assert_gradients(translator, few_tokens(rng), few_tokens(rng, 2), padding, rng=rng)


CASES = [
    Case(
        Block,
        lambda cls, rng: Few(
            Random(cls(**TINY, dropout=0.5, causal=True, crossing=True, rng=rng), rng),
            *("norm_attention.bias", "attention.in_proj_bias", "norm_cross.bias", "feed_forward.0.bias"),
        ),
        lambda rng: (rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 2, 4))),
    ),
    Case(
        TransformerClassifier,
        lambda cls, rng: tuple(
            Few(
                Random(cls(3, 4, **TINY, pooling=pooling, rng=rng), rng),
                *("tokens.embedding.weight", "blocks.0.norm_attention.bias", "head.bias"),
            )
            for pooling in ("mean", "first")
        ),
        lambda rng: (few_tokens(rng), np.array([[False] * 3, [False, True, True]])),
        harmless=("stale: cache",),  # shares depend on the padding alone, which is the same for every input
    ),
    Case(
        CausalLM,
        lambda cls, rng: Few(
            Random(cls(3, 4, **TINY, rng=rng), rng),
            *(
                "tokens.embedding.weight",
                "tokens.positions.weight",
                "blocks.1.norm_attention.bias",
                "norm.bias",
            ),
        ),
        lambda rng: (few_tokens(rng),),
    ),
    Case(
        Transformer,
        lambda cls, rng: Few(
            Random(cls(3, 3, **TINY, num_layers=2, rng=rng), rng),
            *("source_tokens.embedding.weight", "target_tokens.embedding.weight", "encoder_norm.bias"),
            *(
                "encoder.0.norm_attention.bias",
                "decoder.0.cross.out_proj.bias",
                "decoder_norm.bias",
                "head.bias",
            ),
        ),
        lambda rng: (few_tokens(rng), few_tokens(rng, 2)),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.cls.__name__)
def test_mutants(case):
    check_mutants(case)


def test_parameter_counts_of_the_chapters(rng):
    """Dense sum-mod (chapter 21) and the mini-GPT with 27 characters (chapter 22)."""
    dense = TransformerClassifier(10, 5, 64, 8, 256, 2, pooling=None, causal=True, rng=rng)
    assert sum(array.size for array in dense.params.values()) == 100_933
    small_gpt = CausalLM(27, 64, rng=rng)
    assert sum(array.size for array in small_gpt.params.values()) == 105_920


def test_padding_changes_nothing(rng):
    model = TransformerClassifier(11, 4, **SIZES, rng=rng)
    text = tokens(rng)
    y = model(text, PADDING)
    text[PADDING] = 0
    assert_close(model(text, PADDING), y)
    assert_close(model(text[1:2, :2]), y[1:2])  # as if the padding were not there


def test_language_model_does_not_see_the_future(rng):
    model, text = CausalLM(11, 8, **SIZES, rng=rng), tokens(rng)
    y = model(text)
    text[:, 4:] = (text[:, 4:] + 1) % 11
    again = model(text)
    assert_close(again[:, :4], y[:, :4])
    assert np.abs(again[:, 4:] - y[:, 4:]).max() > 1e-3


def test_generated_text(rng):
    model = Random(CausalLM(11, 8, **SIZES, rng=rng), rng)
    twin = loaded(model, twins.CausalLM(11, 8, **SIZES, rng=rng))
    start = tokens(rng, 2, 3)
    text = model.generate(start, 20, 0.7, rng=np.random.default_rng(1))  # longer than the context of 8
    assert text.shape == (2, 23)
    assert (text[:, :3] == start).all()
    assert (
        twin.generate(torch.from_numpy(start), 20, 0.7, rng=np.random.default_rng(1)).numpy() == text
    ).all()
    assert (text != model.generate(start, 20, 0.7, rng=np.random.default_rng(2))).any()
    cold = model.generate(start, 5, 1e-6, rng=rng)
    assert (cold[:, 3] == model(start)[:, -1].argmax(axis=-1)).all()


def test_tokens_are_drawn_as_often_as_the_model_says(rng):
    model = Random(CausalLM(11, 8, **SIZES, rng=rng), rng)
    scores = model(np.zeros((1, 1), int))[0, 0]
    chances = np.exp(scores) / np.exp(scores).sum()
    drawn = model.generate(np.zeros((20_000, 1), int), 1, rng=rng)[:, 1]
    assert np.abs(np.bincount(drawn, minlength=11) / 20_000 - chances).max() < 0.015  # 4 standard deviations


def test_greedy_translation(rng):
    model = Random(Transformer(11, 5, **SIZES, rng=rng), rng)
    twin = loaded(model, twins.Transformer(11, 5, **SIZES, rng=rng))
    written = model.greedy(tokens(rng), 0, 1, 6, PADDING)
    source = tokens(np.random.default_rng(0))
    written = model.greedy(source, 0, 1, 6, PADDING)
    assert (
        written == twin.greedy(torch.from_numpy(source), 0, 1, 6, torch.from_numpy(PADDING)).numpy()
    ).all()
    fed = np.concatenate([np.zeros((3, 1), int), written[:, :-1]], axis=1)
    still_open = np.cumsum(fed == 1, axis=1) == 0
    assert (model.forward(source, fed, PADDING).argmax(axis=-1) == written)[still_open].all()
    model.head.params["bias"][1] = 1000
    assert (model.greedy(source, 0, 1, 6, PADDING) == [[1], [1], [1]]).all()  # ends at once


def test_dropout_only_in_training(rng):
    model = CausalLM(11, 8, **SIZES, dropout=0.5, rng=rng)
    text = tokens(rng)
    assert (model(text) != model(text)).any()
    model.eval()
    assert (model(text) == model(text)).all()


def test_learned_positions(rng):
    layer, twin = LearnedPositions(7, 5, rng=rng), twins.LearnedPositions(7, 5)
    assert_like_torch(layer, twin, rng.standard_normal((2, 3, 5)), rng=rng)
    assert_gradients(layer, rng.standard_normal((2, 3, 5)), rng=rng)
    case = Case(
        LearnedPositions,
        lambda cls, rng: cls(5, 4, rng=rng),
        lambda rng: (np.ones((2, 3, 4)),),
        harmless=("stale: cache",),  # only the shape of what it remembers matters
    )
    check_mutants(case)


def test_learned_positions_begin_around_zero(rng):
    weight = LearnedPositions(1000, 16, rng=rng).params["weight"]
    assert abs(weight.mean()) < 0.02 and weight.std() == pytest.approx(1 / 4, rel=0.05)


def test_sinusoidal_positions_like_the_twin(rng):
    for size in (1, 2, 5, 6):
        x = rng.standard_normal((2, 11, size))
        assert_close(SinusoidalPositions(size)(x), twins.SinusoidalPositions()(torch.from_numpy(x)))


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_temperature_that_is_not_positive_is_refused(temperature, rng):
    model = CausalLM(5, 8, **TINY, num_layers=1, rng=rng)
    with pytest.raises(ValueError, match=r"CausalLM\(\): expected a finite temperature"):
        model.generate(np.zeros((1, 2), int), 1, temperature, rng=rng)


def test_bad_input(rng):
    with pytest.raises(ValueError, match="expected pooling 'mean', 'first' or None, got 'max'"):
        TransformerClassifier(11, 4, **SIZES, pooling="max", rng=rng)
    with pytest.raises(ValueError, match="expected positions 'sinusoidal', 'learned' or None, got 'none'"):
        Tokens(11, 6, "none", 8, 0.0, rng=rng)
    model = CausalLM(11, 4, **SIZES, rng=rng)
    with pytest.raises(ValueError, match=r"LearnedPositions\(4, 6\): expected at most 4 positions"):
        model(tokens(rng))
    with pytest.raises(RuntimeError, match="backward needs a forward pass first"):
        CausalLM(11, 4, **SIZES, rng=rng).backward(np.zeros((3, 4, 11)))
    model(tokens(rng, 3, 4))
    with pytest.raises(ValueError, match=r"expected dout of shape \(3, 4, 11\), got \(3, 4, 6\)"):
        model.backward(np.zeros((3, 4, 6)))
    with pytest.raises(ValueError, match=r"every key is masked for the query at index \(1, 0, 0\)"):
        TransformerClassifier(11, 4, **SIZES, rng=rng)(
            tokens(rng), PADDING | np.array([[False], [True], [False]])
        )
