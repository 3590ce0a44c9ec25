"""Transformers on torch: blocks of attention and feed-forward layers that classify, write and translate."""

import torch
from torch import nn
from torch.nn.functional import softmax

from dlcourse.checks import expect_counts, expect_ends, expect_number, expect_rng
from dlcourse.pytorch.init import initialise


@torch.no_grad()
def begin(model, rng):
    """Redraw all weights from rng, distributed as in NumPy's twin (attention is drawn in another order)."""
    initialise(model, rng)
    for layer in model.modules():
        if isinstance(layer, nn.MultiheadAttention):
            rows, columns = layer.in_proj_weight.shape
            bound = (6 / (rows + columns)) ** 0.5
            layer.in_proj_weight.copy_(torch.from_numpy(rng.uniform(-bound, bound, (rows, columns))))
            layer.in_proj_bias.zero_()
            layer.out_proj.bias.zero_()
        elif isinstance(layer, nn.Embedding):
            layer.weight *= layer.embedding_dim**-0.5


class Block(nn.Module):
    """One round of a Transformer, normalising first ("pre-LN"): look around, look at the source, think.

    x                 (N, T, D)  input; D = embed_dim, inside feed_forward hidden_dim
    memory            (N, S, D)  the encoder's output, with crossing=True
    padding           (N, T)     True where x is padding
    memory_padding    (N, S)     True where memory is padding
    y                 (N, T, D)

    Source: vaswani2017, section 3; pre-LN: xiong2020. Chapter: 20_attention.
    """

    def __init__(
        self,
        embed_dim,
        num_heads,
        hidden_dim,
        dropout=0.0,
        causal=False,
        crossing=False,
        *,
        dtype=torch.float32,
    ):
        super().__init__()
        expect_counts("Block", embed_dim=embed_dim, num_heads=num_heads, hidden_dim=hidden_dim)
        expect_number("Block", "dropout", dropout, 0, 1)
        if embed_dim % num_heads:
            raise ValueError(f"Block: expected num_heads to divide {embed_dim}, got {num_heads}")
        self.norm_attention = nn.LayerNorm(embed_dim, dtype=dtype)
        self.attention = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True, dtype=dtype)
        if crossing:
            self.norm_cross = nn.LayerNorm(embed_dim, dtype=dtype)
            self.cross = nn.MultiheadAttention(embed_dim, num_heads, batch_first=True, dtype=dtype)
        self.norm_feed_forward = nn.LayerNorm(embed_dim, dtype=dtype)
        self.feed_forward = nn.Sequential(
            nn.Linear(embed_dim, hidden_dim, dtype=dtype),
            nn.GELU("tanh"),
            nn.Linear(hidden_dim, embed_dim, dtype=dtype),
        )
        self.dropout = nn.Dropout(dropout)
        self.causal, self.crossing = causal, crossing

    def forward(self, x, memory=None, padding=None, memory_padding=None):
        if self.crossing != (memory is not None):  # else it would look at itself, or not at all
            got = "none" if memory is None else "one"
            raise ValueError(
                f"Block: expected a memory if crossing, and crossing is {self.crossing}, got {got}"
            )
        for name, mask in (("padding", padding), ("memory_padding", memory_padding)):
            if mask is not None and mask.dtype != torch.bool:  # numbers would be added to the scores
                raise TypeError(f"Block: expected {name} of a boolean dtype, got {mask.dtype}")
        T = x.shape[1]
        hidden = torch.ones(T, T, dtype=torch.bool, device=x.device).triu(1) if self.causal else None
        x = x + self._look(self.attention, self.norm_attention(x), None, padding, hidden)
        if self.crossing:
            x = x + self._look(self.cross, self.norm_cross(x), memory, memory_padding)
        return x + self.dropout(self.feed_forward(self.norm_feed_forward(x)))

    def _look(self, attention, x, memory, padding, hidden=None):
        """Attend; in eval mode keep the weights for drawing, which in training would only cost time."""
        memory = x if memory is None else memory
        shown = {"need_weights": not self.training, "average_attn_weights": False}
        seen, attention.weights = attention(x, memory, memory, padding, attn_mask=hidden, **shown)
        return self.dropout(seen)


class SinusoidalPositions(nn.Module):
    """Add sin(p / 10000^(2i / D)) to element 2i of the vector at position p, the cosine to element 2i + 1."""

    def forward(self, x):
        T, D = x.shape[1:]
        place = torch.arange(D, device=x.device, dtype=torch.float64)
        rates = 10000.0 ** (-2 * (place // 2) / D)
        angles = torch.arange(T, device=x.device, dtype=torch.float64)[:, None] * rates
        return x + torch.where(place % 2 == 0, angles.sin(), angles.cos()).to(x.dtype)


class LearnedPositions(nn.Embedding):
    """Add to each vector a learned one for its place."""

    def forward(self, x):
        if x.shape[1] > len(self.weight):  # a single place would be added to all of x
            shape = tuple(x.shape)
            raise ValueError(f"{self}: expected at most {len(self.weight)} positions, got x of shape {shape}")
        return x + self.weight[: x.shape[1]]


class Tokens(nn.Module):
    """Turn tokens (N, T) into vectors (N, T, D) that know their place; positions as in NumPy's twin."""

    def __init__(self, vocabulary_size, embed_dim, positions, max_length, dropout, *, dtype=torch.float32):
        super().__init__()
        if positions not in ("sinusoidal", "learned", None):
            raise ValueError(f"Tokens: expected positions 'sinusoidal', 'learned' or None, got {positions!r}")
        expect_counts("Tokens", vocabulary_size=vocabulary_size, embed_dim=embed_dim)
        expect_number("Tokens", "dropout", dropout, 0, 1)
        self.embedding = nn.Embedding(vocabulary_size, embed_dim, dtype=dtype)
        if positions == "learned":
            expect_counts("Tokens", max_length=max_length)
            self.positions = LearnedPositions(max_length, embed_dim, dtype=dtype)
        else:
            self.positions = SinusoidalPositions() if positions else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens):
        if tokens.ndim != 2:  # of one sequence, its steps would be taken for the batch
            raise ValueError(f"Tokens: expected tokens of shape (N, T), got {tuple(tokens.shape)}")
        return self.dropout(self.positions(self.embedding(tokens)))


class TransformerClassifier(nn.Module):
    """Classify sequences, or with pooling=None every position: blocks, pooling, one affine map.

    tokens   (N, T)        whole numbers below vocabulary_size
    padding  (N, T)        True where a token is padding
    y        (N, classes)  scores before the softmax; (N, T, classes) with pooling=None

    pooling is "mean" (over what is not padding), "first" (a class token in front) or None.
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
        dtype=torch.float32,
    ):
        super().__init__()
        if pooling not in ("mean", "first", None):
            raise ValueError(
                f"TransformerClassifier: expected pooling 'mean', 'first' or None, got {pooling!r}"
            )
        expect_counts("TransformerClassifier", classes=classes, num_layers=num_layers)
        self.tokens = Tokens(vocabulary_size, embed_dim, positions, max_length, dropout, dtype=dtype)
        sizes = embed_dim, num_heads, hidden_dim, dropout, causal
        self.blocks = nn.Sequential(*(Block(*sizes, dtype=dtype) for _ in range(num_layers)))
        self.head = nn.Linear(embed_dim, classes, dtype=dtype)
        self.pooling = pooling
        begin(self, rng)

    def forward(self, tokens, padding=None):
        x = self.tokens(tokens)
        for block in self.blocks:
            x = block(x, None, padding)
        if self.pooling == "first":
            x = x[:, 0]
        elif self.pooling == "mean":
            counts = torch.ones_like(tokens, dtype=torch.bool) if padding is None else ~padding
            x = (x * counts[:, :, None]).sum(dim=1) / counts.sum(dim=1, keepdim=True)
        return self.head(x)


class CausalLM(nn.Module):
    """Predict at every position the next token: causal blocks, and the embedding again as the last layer.

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
        dtype=torch.float32,
    ):
        super().__init__()
        expect_counts("CausalLM", context=context, num_layers=num_layers)
        self.tokens = Tokens(vocabulary_size, embed_dim, "learned", context, dropout, dtype=dtype)
        sizes = embed_dim, num_heads, hidden_dim, dropout, True
        self.blocks = nn.Sequential(*(Block(*sizes, dtype=dtype) for _ in range(num_layers)))
        self.norm = nn.LayerNorm(embed_dim, dtype=dtype)
        self.context = context
        begin(self, rng)

    def forward(self, tokens):
        return self.norm(self.blocks(self.tokens(tokens))) @ self.tokens.embedding.weight.T

    @torch.no_grad()
    def generate(self, tokens, count, temperature=1.0, *, rng):
        """Write on: append `count` tokens to (N, T), each drawn from softmax(y / temperature) at the end.

        rng is a numpy.random.Generator: NumPy's twin draws the same tokens from an equal one.
        """
        if tokens.ndim != 2 or tokens.shape[1] == 0:
            shape = tuple(tokens.shape)
            raise ValueError(f"CausalLM: expected tokens (N, T) to begin with, got shape {shape}")
        expect_counts("CausalLM", 0, count=count)
        expect_number("CausalLM", "temperature", temperature, 1e-9)
        expect_rng("CausalLM", rng)
        for _ in range(count):
            y = self(tokens[:, -self.context :])[:, -1]
            chances = softmax(y / temperature, dim=-1).cumsum(dim=-1)
            luck = torch.from_numpy(rng.random((len(y), 1))).to(chances)
            drawn = (chances < luck * chances[:, -1:]).sum(dim=-1, keepdim=True)
            tokens = torch.cat([tokens, drawn], dim=1)
        return tokens


class Transformer(nn.Module):
    """Translate: an encoder reads the source, a causal decoder that looks at it writes the target.

    source   (N, S)     tokens below source_size
    target   (N, T)     tokens below target_size: <bos> and then the right answer (teacher forcing)
    padding  (N, S)     True where the source is padding
    y        (N, T, V)  scores of the next token before the softmax; V = target_size

    After `forward` in eval mode, `decoder[-1].cross.weights` (N, num_heads, T, S) shows where it looked.
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
        dtype=torch.float32,
    ):
        super().__init__()
        counts = {"source_size": source_size, "target_size": target_size, "num_layers": num_layers}
        expect_counts("Transformer", **counts)
        sizes, tokens = (embed_dim, num_heads, hidden_dim, dropout), (embed_dim, "sinusoidal", None, dropout)
        self.source_tokens = Tokens(source_size, *tokens, dtype=dtype)
        self.encoder = nn.Sequential(*(Block(*sizes, dtype=dtype) for _ in range(num_layers)))
        self.encoder_norm = nn.LayerNorm(embed_dim, dtype=dtype)
        self.target_tokens = Tokens(target_size, *tokens, dtype=dtype)
        self.decoder = nn.Sequential(*(Block(*sizes, True, True, dtype=dtype) for _ in range(num_layers)))
        self.decoder_norm = nn.LayerNorm(embed_dim, dtype=dtype)
        self.head = nn.Linear(embed_dim, target_size, dtype=dtype)
        begin(self, rng)

    def forward(self, source, target, padding=None):
        return self._write(target, self._read(source, padding), padding)

    def _read(self, source, padding):
        x = self.source_tokens(source)
        for block in self.encoder:
            x = block(x, None, padding)
        return self.encoder_norm(x)

    def _write(self, target, memory, padding):
        x = self.target_tokens(target)
        for block in self.decoder:
            x = block(x, memory, None, padding)
        return self.head(self.decoder_norm(x))

    @torch.no_grad()
    def greedy(self, source, bos, eos, max_length, padding=None):
        """Write the likeliest token at every step, from <bos> to <eos>: (N, at most max_length).

        A row that has ended is filled with <eos>.
        """
        expect_ends("Transformer", self.target_tokens.embedding.num_embeddings, bos, eos)
        expect_counts("Transformer", max_length=max_length)
        memory = self._read(source, padding)
        tokens = source.new_full((len(source), 1), bos)
        while tokens.shape[1] <= max_length and not (tokens[:, -1] == eos).all():
            likeliest = self._write(tokens, memory, padding)[:, -1].argmax(dim=-1)
            likeliest = torch.where(tokens[:, -1] == eos, eos, likeliest)
            tokens = torch.cat([tokens, likeliest[:, None]], dim=1)
        return tokens[:, 1:]
