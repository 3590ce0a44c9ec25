"""Sequence to sequence: one recurrent network reads, a second one writes."""

import numpy as np

from dlcourse.checks import expect_counts, expect_ends
from dlcourse.reference.attention import (
    scaled_dot_product_attention,
    scaled_dot_product_attention_backward,
)
from dlcourse.reference.embedding import Embedding
from dlcourse.reference.gru import GRU
from dlcourse.reference.layer import Layer
from dlcourse.reference.linear import Linear
from dlcourse.reference.lstm import LSTM
from dlcourse.reference.rnn import RNN

CELLS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}


class Seq2Seq(Layer):
    """Read the source into a state, and write the target from it.

        memory, state = encoder(source_embedding[source])
        h, _ = decoder(target_embedding[target], state)
        y = output(h), with attention output([h, softmax(h memoryᵀ / √H) memory])

    source   (N, S)     tokens, of which the first `lengths` of each row count
    target   (N, T)     what the decoder is fed: <bos> and then the right answer (teacher forcing)
    lengths  (N,)       S unless given
    y        (N, T, V)  scores of the next token before the softmax; V = target_size

    cell is "rnn", "lstm" or "gru". With attention, `weights` (N, T, S) shows where the decoder looked.
    Raises ValueError for another cell or a wrong shape.
    Source: sutskever2014; attention: luong2015. Chapters: 17_rnn, 18_lstm.
    """

    def __init__(
        self,
        source_size,
        target_size,
        embedding_dim,
        hidden_size,
        cell="gru",
        attention=False,
        *,
        rng,
        dtype=float,
    ):
        super().__init__()
        if cell not in CELLS:
            raise ValueError(f"Seq2Seq: expected cell in {sorted(CELLS)}, got {cell!r}")
        made = {"rng": rng, "dtype": dtype}
        self.source_embedding = Embedding(source_size, embedding_dim, **made)
        self.encoder = CELLS[cell](embedding_dim, hidden_size, **made)
        self.target_embedding = Embedding(target_size, embedding_dim, **made)
        self.decoder = CELLS[cell](embedding_dim, hidden_size, **made)
        self.output = Linear(hidden_size * (2 if attention else 1), target_size, **made)
        self.attention, self.weights = attention, None

    def forward(self, source, target, lengths=None):
        y, _ = self._write(target, *self._read(source, lengths))
        return y

    def _read(self, source, lengths):
        """Return the encoder's outputs (N, S, H), its last state, and which of them the decoder may see."""
        memory, state = self.encoder.forward(self.source_embedding.forward(source), None, lengths)
        seen = None if lengths is None else np.arange(memory.shape[1]) < np.asarray(lengths)[:, None, None]
        return memory, state, seen

    def _write(self, target, memory, state, seen):
        h, state = self.decoder.forward(self.target_embedding.forward(target), state)  # (N, T, H)
        context = h[..., :0]
        if self.attention:
            context, self.weights = scaled_dot_product_attention(h, memory, memory, seen)
        self.cache = h, memory, context
        return self.output.forward(np.concatenate([h, context], axis=-1)), state

    def backward(self, dout):
        """Leave the gradients of all parameters; tokens have none."""
        h, memory, context = self.recall()
        dh, dcontext = np.split(self.output.backward(dout), [h.shape[-1]], axis=-1)
        dmemory = np.zeros_like(memory)
        if self.attention:
            back = scaled_dot_product_attention_backward(dcontext, h, memory, memory, context, self.weights)
            dh, dmemory = dh + back[0], back[1] + back[2]
        self.target_embedding.backward(self.decoder.backward(dh))
        self.source_embedding.backward(self.encoder.backward(dmemory, self.decoder.dstate))

    def greedy(self, source, bos, eos, max_length, lengths=None):
        """Write the likeliest token at every step, from <bos> to <eos>: (N, at most max_length).

        A row that has ended is filled with <eos>.
        """
        expect_ends(self, self.target_embedding.num_embeddings, bos, eos)
        expect_counts(self, max_length=max_length)
        memory, state, seen = self._read(source, lengths)
        tokens, looks = [np.full(len(memory), bos)], []
        while len(tokens) <= max_length and not (tokens[-1] == eos).all():
            y, state = self._write(tokens[-1][:, None], memory, state, seen)
            tokens.append(np.where(tokens[-1] == eos, eos, y[:, 0].argmax(axis=-1)))
            looks.append(self.weights)
        if self.attention:
            self.weights = np.concatenate(looks, axis=1)  # (N, written, S)
        return np.stack(tokens[1:], axis=1)
