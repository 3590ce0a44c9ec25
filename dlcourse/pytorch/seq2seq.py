"""Sequence to sequence on torch: one recurrent network reads, a second one writes."""

import torch
from torch import nn
from torch.nn.functional import softmax
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from dlcourse.checks import expect_counts, expect_ends
from dlcourse.pytorch.init import initialise

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Seq2Seq(nn.Module):
    """Read the source into a state, and write the target from it.

    source   (N, S)     tokens, of which the first `lengths` of each row count
    target   (N, T)     what the decoder is fed: <bos> and then the right answer (teacher forcing)
    lengths  (N,)       S unless given
    y        (N, T, V)  scores of the next token before the softmax; V = target_size

    cell is "rnn", "lstm" or "gru". With attention, `weights` (N, T, S) shows where the decoder looked.
    rng is a numpy.random.Generator: equal ones give both twins the same weights.
    Raises ValueError for another cell.
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
        dtype=torch.float32,
    ):
        super().__init__()
        if cell not in CELLS:
            raise ValueError(f"Seq2Seq: expected cell in {sorted(CELLS)}, got {cell!r}")
        expect_counts("Seq2Seq", source_size=source_size, target_size=target_size)
        expect_counts("Seq2Seq", embedding_dim=embedding_dim, hidden_size=hidden_size)
        self.source_embedding = nn.Embedding(source_size, embedding_dim, dtype=dtype)
        self.encoder = CELLS[cell](embedding_dim, hidden_size, batch_first=True, dtype=dtype)
        self.target_embedding = nn.Embedding(target_size, embedding_dim, dtype=dtype)
        self.decoder = CELLS[cell](embedding_dim, hidden_size, batch_first=True, dtype=dtype)
        self.output = nn.Linear(hidden_size * (2 if attention else 1), target_size, dtype=dtype)
        self.attention, self.weights = attention, None
        initialise(self, rng)

    def forward(self, source, target, lengths=None):
        y, _ = self._write(target, *self._read(source, lengths))
        return y

    def _read(self, source, lengths):
        """Return the encoder's outputs (N, S, H), its last state, and which of them the decoder may see."""
        x, S = self.source_embedding(source), source.shape[1]
        if lengths is None:
            return *self.encoder(x), None
        if lengths.is_floating_point():  # torch would cut off what is behind the point
            raise TypeError(f"Seq2Seq: expected lengths of an integer dtype, got {lengths.dtype}")
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        packed, state = self.encoder(packed)
        memory, _ = pad_packed_sequence(packed, batch_first=True, total_length=S)
        return memory, state, torch.arange(S, device=x.device) < lengths.to(x.device)[:, None, None]

    def _write(self, target, memory, state, seen):
        h, state = self.decoder(self.target_embedding(target), state)  # (N, T, H)
        if not self.attention:
            return self.output(h), state
        scores = h @ memory.mT * h.shape[-1] ** -0.5  # (N, T, S)
        if seen is not None:
            scores = scores.masked_fill(~seen, -torch.inf)
        self.weights = softmax(scores, dim=-1)
        return self.output(torch.cat([h, self.weights @ memory], dim=-1)), state

    @torch.no_grad()
    def greedy(self, source, bos, eos, max_length, lengths=None):
        """Write the likeliest token at every step, from <bos> to <eos>: (N, at most max_length).

        A row that has ended is filled with <eos>.
        """
        expect_ends("Seq2Seq", self.target_embedding.num_embeddings, bos, eos)
        expect_counts("Seq2Seq", max_length=max_length)
        memory, state, seen = self._read(source, lengths)
        tokens, looks = [source.new_full((len(source),), bos)], []
        while len(tokens) <= max_length and not (tokens[-1] == eos).all():
            y, state = self._write(tokens[-1][:, None], memory, state, seen)
            tokens.append(torch.where(tokens[-1] == eos, eos, y[:, 0].argmax(dim=-1)))
            looks.append(self.weights)
        if self.attention:
            self.weights = torch.cat(looks, dim=1)  # (N, written, S)
        return torch.stack(tokens[1:], dim=1)
