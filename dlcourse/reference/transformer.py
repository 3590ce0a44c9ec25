"""Transformers: blocks of attention and feed-forward layers that classify, write on and translate."""

import numpy as np

from dlcourse.checks import (
    expect_counts,
    expect_ends,
    expect_floats,
    expect_indices,
    expect_number,
    expect_rng,
)
from dlcourse.reference.activations import GELU, softmax
from dlcourse.reference.attention import MultiheadAttention
from dlcourse.reference.dropout import Dropout
from dlcourse.reference.embedding import Embedding
from dlcourse.reference.layer import Layer
from dlcourse.reference.linear import Linear
from dlcourse.reference.normalization import LayerNorm
from dlcourse.reference.positions import LearnedPositions, SinusoidalPositions
from dlcourse.reference.sequential import Sequential


class Block(Layer):
    """One round of a Transformer, normalising first ("pre-LN"): look around, look at the source, think.

        x = x + dropout(attention(norm_attention(x)))
        x = x + dropout(cross(norm_cross(x), memory)), with crossing=True only
        y = x + dropout(feed_forward(norm_feed_forward(x))), feed_forward = linear, GELU (tanh form), linear

    x                 (N, T, D)  input; D = embed_dim, inside feed_forward hidden_dim
    memory            (N, S, D)  the encoder's output, with crossing=True
    padding           (N, T)     True where x is padding
    memory_padding    (N, S)     True where memory is padding
    y                 (N, T, D)

    `backward` returns dx, with crossing=True (dx, dmemory).
    Source: vaswani2017, section 3; pre-LN: xiong2020. Chapter: 20_attention.
    """

    def __init__(
        self, embed_dim, num_heads, hidden_dim, dropout=0.0, causal=False, crossing=False, *, rng, dtype=float
    ):
        super().__init__()
        made = {"rng": rng, "dtype": dtype}
        self.norm_attention = LayerNorm(embed_dim, dtype=dtype)
        self.attention = MultiheadAttention(embed_dim, num_heads, **made)
        if crossing:
            self.norm_cross = LayerNorm(embed_dim, dtype=dtype)
            self.cross = MultiheadAttention(embed_dim, num_heads, **made)
            self.drop_cross = Dropout(dropout, rng=rng)
        self.norm_feed_forward = LayerNorm(embed_dim, dtype=dtype)
        self.feed_forward = Sequential(
            Linear(embed_dim, hidden_dim, **made), GELU("tanh"), Linear(hidden_dim, embed_dim, **made)
        )
        self.drop_attention, self.drop_feed_forward = Dropout(dropout, rng=rng), Dropout(dropout, rng=rng)
        self.causal, self.crossing = causal, crossing

    def forward(self, x, memory=None, padding=None, memory_padding=None):
        if self.crossing != (memory is not None):  # else it would look at itself, or not at all
            got = "none" if memory is None else "one"
            raise ValueError(
                f"Block: expected a memory if crossing, and crossing is {self.crossing}, got {got}"
            )
        seen = self.attention.forward(self.norm_attention.forward(x), None, padding, self.causal)
        x = x + self.drop_attention.forward(seen)
        if self.crossing:
            seen = self.cross.forward(self.norm_cross.forward(x), memory, memory_padding)
            x = x + self.drop_cross.forward(seen)
        thought = self.feed_forward.forward(self.norm_feed_forward.forward(x))
        return x + self.drop_feed_forward.forward(thought)

    def backward(self, dout):
        dthought = self.feed_forward.backward(self.drop_feed_forward.backward(dout))
        dx = dout + self.norm_feed_forward.backward(dthought)  # round the layers and through them
        if self.crossing:
            dseen, dmemory = self.cross.backward(self.drop_cross.backward(dx))
            dx = dx + self.norm_cross.backward(dseen)
        dseen = self.attention.backward(self.drop_attention.backward(dx))
        dx = dx + self.norm_attention.backward(dseen)
        return (dx, dmemory) if self.crossing else dx


class Tokens(Layer):
    """Turn tokens into vectors that know their place: y = dropout(positions(embedding[tokens])).

    tokens  (N, T)     whole numbers below vocabulary_size
    y       (N, T, D)  D = embed_dim

    positions is "sinusoidal", "learned" (T <= max_length then) or None. The embedding begins N(0, 1/D).
    """

    def __init__(self, vocabulary_size, embed_dim, positions, max_length, dropout, *, rng, dtype=float):
        super().__init__()
        if positions not in ("sinusoidal", "learned", None):
            raise ValueError(f"Tokens: expected positions 'sinusoidal', 'learned' or None, got {positions!r}")
        self.embedding = Embedding(vocabulary_size, embed_dim, rng=rng, dtype=dtype)
        self.embedding.params["weight"] *= embed_dim**-0.5
        if positions == "learned":
            self.positions = LearnedPositions(max_length, embed_dim, rng=rng, dtype=dtype)
        else:
            self.positions = SinusoidalPositions(embed_dim) if positions else Sequential()
        self.dropout = Dropout(dropout, rng=rng)

    def forward(self, tokens):
        return self.dropout.forward(self.positions.forward(self.embedding.forward(tokens)))

    def backward(self, dout):
        self.embedding.backward(self.positions.backward(self.dropout.backward(dout)))


class TransformerClassifier(Layer):
    """Classify sequences, or with pooling=None every position: blocks, pooling, one affine map.

    tokens   (N, T)        whole numbers below vocabulary_size
    padding  (N, T)        True where a token is padding
    y        (N, classes)  scores before the softmax; (N, T, classes) with pooling=None

    pooling is "mean" (over what is not padding), "first" (a class token in front) or None.
    With causal=True, position t sees positions 0 to t only. Positions are those of `Tokens`.
    Source: vaswani2017. Chapters: 21_sum_mod, 22_text.
    """

    def __init__(
        self,
        vocabulary_size,
        classes,
        embed_dim=64,
        num_heads=4,
        hidden_dim=256,
        num_layers=1,
        *,
        pooling="mean",
        positions="sinusoidal",
        max_length=512,
        causal=False,
        dropout=0.0,
        rng,
        dtype=float,
    ):
        super().__init__()
        if pooling not in ("mean", "first", None):
            raise ValueError(
                f"TransformerClassifier: expected pooling 'mean', 'first' or None, got {pooling!r}"
            )
        expect_counts("TransformerClassifier", num_layers=num_layers)
        made = {"rng": rng, "dtype": dtype}
        self.tokens = Tokens(vocabulary_size, embed_dim, positions, max_length, dropout, **made)
        sizes = embed_dim, num_heads, hidden_dim, dropout, causal
        self.blocks = Sequential(*(Block(*sizes, **made) for _ in range(num_layers)))
        self.head = Linear(embed_dim, classes, **made)
        self.pooling = pooling

    def forward(self, tokens, padding=None):
        x = self.tokens.forward(tokens)
        for block in self.blocks:
            x = block.forward(x, None, padding)
        self.cache = share = self._shares(x, padding)
        return self.head.forward(x if share is None else np.einsum("nt,ntd->nd", share, x))

    def _shares(self, x, padding):
        """Return what each position contributes to the pooled vector, (N, T); None without pooling."""
        if self.pooling is None:
            return None
        share = np.zeros(x.shape[:2], x.dtype)
        if self.pooling == "first":
            share[:, 0] = 1
        else:
            share[:] = 1 if padding is None else ~padding
            share /= share.sum(axis=1, keepdims=True)
        return share

    def backward(self, dout):
        """Leave the gradients of all parameters; tokens have none."""
        dx = self.head.backward(dout)
        if self.pooling is not None:
            dx = self.recall()[:, :, None] * dx[:, None]
        self.tokens.backward(self.blocks.backward(dx))


class CausalLM(Layer):
    """Predict at every position the next token: causal blocks, and the embedding again as the last layer.

        h = norm(blocks(tokens)), y = h Eᵀ, E the embedding ("tied": one matrix reads and writes)

    tokens  (N, T)     whole numbers below vocabulary_size, T <= context
    y       (N, T, V)  scores of the token after each; V = vocabulary_size

    Source: radford2019; tied embeddings: press2017. Chapter: 22_text.
    """

    def __init__(
        self,
        vocabulary_size,
        context,
        embed_dim=64,
        num_heads=4,
        hidden_dim=256,
        num_layers=2,
        dropout=0.0,
        *,
        rng,
        dtype=float,
    ):
        super().__init__()
        expect_counts("CausalLM", num_layers=num_layers)
        made = {"rng": rng, "dtype": dtype}
        self.tokens = Tokens(vocabulary_size, embed_dim, "learned", context, dropout, **made)
        sizes = embed_dim, num_heads, hidden_dim, dropout, True
        self.blocks = Sequential(*(Block(*sizes, **made) for _ in range(num_layers)))
        self.norm = LayerNorm(embed_dim, dtype=dtype)
        self.context = context

    def forward(self, tokens):
        self.cache = h = self.norm.forward(self.blocks.forward(self.tokens.forward(tokens)))
        return h @ self.tokens.embedding.params["weight"].T  # (N, T, D) @ (D, V)

    def backward(self, dout):
        """Leave the gradients of all parameters; tokens have none."""
        h, embedding = self.recall(), self.tokens.embedding
        dout = expect_floats(self, "dout", dout, *h.shape[:2], len(embedding.params["weight"]))
        dh = dout @ embedding.params["weight"]  # (N, T, V) @ (V, D)
        self.tokens.backward(self.blocks.backward(self.norm.backward(dh)))
        written = dout.reshape(-1, dout.shape[-1]).T @ h.reshape(-1, h.shape[-1])
        embedding.grads["weight"] += written  # the matrix is used twice, so its gradients add up

    def generate(self, tokens, count, temperature=1.0, *, rng):
        """Write on: append `count` tokens to (N, T), each drawn from softmax(y / temperature) at the end."""
        tokens = expect_indices(self, "tokens", tokens, self.tokens.embedding.num_embeddings, "N", "T")
        if tokens.shape[1] == 0:
            raise ValueError(f"{self}: expected tokens to begin with, got shape {tokens.shape}")
        expect_counts(self, 0, count=count)
        expect_number(self, "temperature", temperature, 1e-9)
        expect_rng(self, rng)
        for _ in range(count):
            y = self.forward(tokens[:, -self.context :])[:, -1]
            chances = np.cumsum(softmax(y / temperature), axis=-1)
            drawn = (chances < rng.random((len(y), 1)) * chances[:, -1:]).sum(axis=-1)
            tokens = np.concatenate([tokens, drawn[:, None]], axis=1)
        return tokens


class Transformer(Layer):
    """Translate: an encoder reads the source, a causal decoder that looks at it writes the target.

        memory = encoder_norm(encoder(source_tokens))
        y = head(decoder_norm(decoder(target_tokens, memory)))

    source   (N, S)     tokens below source_size
    target   (N, T)     tokens below target_size: <bos> and then the right answer (teacher forcing)
    padding  (N, S)     True where the source is padding
    y        (N, T, V)  scores of the next token before the softmax; V = target_size

    After `forward`, `decoder[-1].cross.weights` (N, num_heads, T, S) shows where the decoder looked.
    Source: vaswani2017. Chapter: 22_text.
    """

    def __init__(
        self,
        source_size,
        target_size,
        embed_dim=64,
        num_heads=4,
        hidden_dim=128,
        num_layers=1,
        dropout=0.0,
        *,
        rng,
        dtype=float,
    ):
        super().__init__()
        expect_counts("Transformer", num_layers=num_layers)
        made = {"rng": rng, "dtype": dtype}
        sizes, tokens = (embed_dim, num_heads, hidden_dim, dropout), (embed_dim, "sinusoidal", None, dropout)
        self.source_tokens = Tokens(source_size, *tokens, **made)
        self.encoder = Sequential(*(Block(*sizes, **made) for _ in range(num_layers)))
        self.encoder_norm = LayerNorm(embed_dim, dtype=dtype)
        self.target_tokens = Tokens(target_size, *tokens, **made)
        self.decoder = Sequential(*(Block(*sizes, True, True, **made) for _ in range(num_layers)))
        self.decoder_norm = LayerNorm(embed_dim, dtype=dtype)
        self.head = Linear(embed_dim, target_size, **made)

    def forward(self, source, target, padding=None):
        return self._write(target, self._read(source, padding), padding)

    def _read(self, source, padding):
        x = self.source_tokens.forward(source)
        for block in self.encoder:
            x = block.forward(x, None, padding)
        return self.encoder_norm.forward(x)

    def _write(self, target, memory, padding):
        x = self.target_tokens.forward(target)
        for block in self.decoder:
            x = block.forward(x, memory, None, padding)
        self.cache = memory
        return self.head.forward(self.decoder_norm.forward(x))

    def backward(self, dout):
        """Leave the gradients of all parameters; tokens have none."""
        dmemory = np.zeros_like(self.recall())
        dx = self.decoder_norm.backward(self.head.backward(dout))
        for block in reversed(list(self.decoder)):
            dx, from_block = block.backward(dx)
            dmemory += from_block  # every block looked at it
        self.target_tokens.backward(dx)
        self.source_tokens.backward(self.encoder.backward(self.encoder_norm.backward(dmemory)))

    def greedy(self, source, bos, eos, max_length, padding=None):
        """Write the likeliest token at every step, from <bos> to <eos>: (N, at most max_length).

        A row that has ended is filled with <eos>.
        """
        expect_ends(self, self.target_tokens.embedding.num_embeddings, bos, eos)
        expect_counts(self, max_length=max_length)
        memory = self._read(source, padding)
        tokens = np.full((len(memory), 1), bos)
        while tokens.shape[1] <= max_length and not (tokens[:, -1] == eos).all():
            likeliest = self._write(tokens, memory, padding)[:, -1].argmax(axis=-1)
            likeliest = np.where(tokens[:, -1] == eos, eos, likeliest)
            tokens = np.concatenate([tokens, likeliest[:, None]], axis=1)
        return tokens[:, 1:]
