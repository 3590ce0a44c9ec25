"""Small data of single chapters, and the properties for which the chapters chose them."""

import numpy as np
import pytest
import torch

from dlcourse import pytorch as pt
from dlcourse import reference as ref
from dlcourse.data import canvas, cat, fable, grammar, names, opinions, textbook, tokens
from dlcourse.data.digits import digits

# --- The cat ------------------------------------------------------------------------------------------------


def detector(relu):
    """The book's network: one kernel without bias, pooling, four weights of 0.5, a sigmoid (in the loss)."""
    rng = np.random.default_rng(0)  # replaced
    between = [ref.ReLU()] if relu else []
    layers = [ref.Conv2d(1, 1, 3, bias=False, rng=rng), *between, ref.MaxPool2d(2)]
    features, decide = ref.Sequential(*layers), ref.Linear(4, 1, rng=rng)
    features.load_state_dict({"0.weight": textbook.CAT_KERNEL[None, None]})
    decide.load_state_dict({"weight": np.full((1, 4), 0.5), "bias": np.zeros(1)})
    return features, decide


def trained(relu, early=False):
    """Yield after every epoch the loss at its start, and the outputs for the cat and the other.

    early  change the last weights before the gradient goes through them: the mistake in the book's program
    """
    images, labels = cat.cat_and_other()
    features, decide = detector(relu)
    loss, optimisers = ref.BCEWithLogitsLoss(), [ref.SGD(features, 0.01), ref.SGD(decide, 0.01)]
    while True:
        losses = []
        for image, label in zip(images, labels):
            h = features(image[None]).reshape(1, 4)
            losses.append(loss(decide(h), np.array([[label]])))
            dout = loss.backward()
            dh = decide.backward(dout)
            if early:
                optimisers[1].step()
                dh = dout @ decide.params["weight"]
            features.backward(dh.reshape(1, 1, 2, 2))
            optimisers[0].step()
            if not early:
                optimisers[1].step()
        outputs = ref.sigmoid(decide(features(images).reshape(2, 4)))[:, 0]
        yield np.mean(losses), *outputs


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("early", [True, False])
def test_the_cat_is_learned_long_before_the_other(relu, early):
    epochs = [values for values, _ in zip(trained(relu, early), range(1000))]
    losses = [loss for loss, _, _ in epochs]
    assert losses[0] > losses[49] > losses[199] > losses[999]  # the mean loss falls,
    _, is_cat, is_other = epochs[49]
    assert is_cat > 0.8 and is_other > 0.5  # and yet one of two images is still wrong
    _, is_cat, is_other = epochs[999]
    assert is_cat > 0.9 and is_other < 0.1


def pooling_windows(image):
    """The four windows of the first map, (4, 4), rounded: equal on paper is equal here."""
    features, _ = detector(relu=False)
    z = features[0](image[None])[0, 0].round(9)  # (4, 4)
    return z.reshape(2, 2, 2, 2).swapaxes(1, 2).reshape(4, 4)


def test_pooling_of_the_other_image_has_a_tie():
    windows = pooling_windows(cat.cat_and_other()[0][1])
    tied = windows == windows.max(axis=1, keepdims=True)
    assert tied.sum(axis=1).max() == 2 and windows[tied.sum(axis=1) == 2].max() > 0  # ReLU keeps it


def test_pooling_of_the_cat_has_none():
    """Or rounding, which differs between languages, would choose the winner of its first step."""
    windows = np.sort(pooling_windows(cat.cat_and_other()[0][0]), axis=1)
    assert (windows[:, 3] - windows[:, 2]).min() > 0.09


def test_cat_and_other():
    images, labels = cat.cat_and_other(np.float32)
    assert images.shape == (2, 1, 6, 6) and images.dtype == labels.dtype == np.float32
    assert labels.tolist() == [1, 0] and set(images[1].flat) == {0, 1} and len(set(images[0].flat)) > 4
    assert (images[0] > 0).mean() > 0.6 > 0.4 > (images[1] > 0).mean()
    assert (images[1] == images[1, :, :, ::-1]).all()


# --- The opinions -------------------------------------------------------------------------------------------


def columns(rows):
    return [tokens.words(text) for text, _ in rows], np.array([label for _, label in rows])


TEXTS, LABELS = columns(opinions.TRAIN)
VOCABULARY = tokens.Vocabulary(TEXTS)


def test_the_reviews_and_what_is_new_to_them():
    seen = [text.split() for text, _ in opinions.REVIEWS]
    known, labels = {word for text in seen for word in text}, [label for _, label in opinions.REVIEWS]
    assert len(seen) == len(set(map(tuple, seen))) == 24 and sum(labels) == 12
    after_not = {text[text.index("not") + 1] for text in seen if "not" in text}
    new = {"recombined": 0, "negated": 0, "neutral": 1, "verdict": 1}
    for kind, group in opinions.UNSEEN.items():
        assert 2 * sum(label for _, label in group) == len(group)
        for text in (text.split() for text, _ in group):
            assert text not in seen and sum(word not in known for word in text) == new[kind]
            assert ("not" in text) == (kind == "negated")
            assert "not" not in text or text[text.index("not") + 1] not in after_not


def test_the_form_of_the_opinions():
    assert LABELS.tolist() == [1] * 5 + [0] * 5
    assert [label for _, label in opinions.TEST] == [1, 0, 1, 0, 0, 1]
    tests, negated = columns(opinions.TEST)[0], columns(opinions.NEGATED)[0]
    assert max(map(len, TEXTS + tests + negated)) <= opinions.LONGEST
    assert not [text for text in tests if text in TEXTS]
    assert all(tokens.UNK not in VOCABULARY.encode(text) for text in tests)
    assert all(VOCABULARY.encode(text).count(tokens.UNK) == 1 for text in negated)  # not, never


def counted(texts):
    """Bags of words; unknown words count nothing."""
    bags = np.array([np.bincount(VOCABULARY.encode(text), minlength=len(VOCABULARY)) for text in texts])
    bags[:, tokens.UNK] = 0
    return bags.astype(float)


def test_counting_words_is_enough_for_the_tests_and_is_fooled_by_negation():
    weights, x = np.zeros(len(VOCABULARY)), counted(TEXTS)
    for _ in range(2000):
        weights -= x.T @ (ref.sigmoid(x @ weights) - LABELS) / len(x)

    def right(rows):
        texts, labels = columns(rows)
        return ((counted(texts) @ weights > 0) == labels).tolist()

    assert all(right(opinions.TRAIN)) and all(right(opinions.TEST))
    assert not any(right(opinions.NEGATED))


def test_so_is_a_transformer():
    torch.manual_seed(42)
    model = pt.TransformerClassifier(
        len(VOCABULARY), 2, 64, 4, 128, rng=np.random.default_rng(42), dtype=torch.float64
    )
    optimiser, loss = torch.optim.Adam(model.parameters(), 1e-3), torch.nn.CrossEntropyLoss()

    def scores(texts):
        padded, lengths = tokens.pad([VOCABULARY.encode(text) for text in texts], opinions.LONGEST)
        padding = tokens.padding_mask(lengths, opinions.LONGEST)
        return model(torch.from_numpy(padded), torch.from_numpy(padding))

    for _ in range(100):
        for start in range(0, len(TEXTS), 4):
            batch = slice(start, start + 4)
            optimiser.zero_grad()
            loss(scores(TEXTS[batch]), torch.from_numpy(LABELS[batch])).backward()
            optimiser.step()
    for rows, expected in ((opinions.TRAIN, True), (opinions.TEST, True), (opinions.NEGATED, False)):
        texts, labels = columns(rows)
        right = scores(texts).argmax(dim=1).numpy() == labels
        assert right.tolist() == [expected] * len(rows)


# --- The fable ----------------------------------------------------------------------------------------------


def test_fable():
    assert 1800 < len(fable.FABLE) < 2000 and "  " not in fable.FABLE and "\n" not in fable.FABLE
    assert set(fable.FABLE) <= set(grammar.text(20_000, rng=np.random.default_rng(0)))
    assert len(set(fable.FABLE.replace(".", "").replace(",", "").split())) > 150


# --- Places on a canvas -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scales", [(1,), (1, 2)])
def test_placed(scales):
    images = digits(flat=False, dtype=np.float32)[0][:200]
    canvases, boxes = canvas.placed(images, scales=scales, rng=np.random.default_rng(0))
    assert canvases.shape == (200, 1, 24, 24) and canvases.dtype == np.float32 and boxes.shape == (200, 4)
    inked = {float(picture.sum()) for picture in images}
    for picture, (left, top, width, height) in zip(canvases, boxes.astype(int)):
        inside = picture[:, top : top + height, left : left + width]
        assert inside.sum() == picture.sum()  # nothing outside the box,
        assert all(
            (edge != 0).any() for edge in (inside[:, 0], inside[:, -1], inside[:, :, 0], inside[:, :, -1])
        )
    assert [float(c.sum()) for c in canvases][0] in inked or scales != (1,)
    assert boxes[:, :2].min() == 0 and (boxes[:, :2] + boxes[:, 2:]).max() == 24  # and every place is used
    again, _ = canvas.placed(images, scales=scales, rng=np.random.default_rng(0))
    assert (again == canvases).all()


def test_canvas_refuses():
    with pytest.raises(ValueError, match=r"placed: expected images of at most 24 pixels, got \(32, 32\)"):
        canvas.placed(np.ones((1, 1, 8, 8)), scales=(4,), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="expected an image with ink, got only zeros"):
        canvas.placed(np.zeros((1, 1, 8, 8)), rng=np.random.default_rng(0))


def test_overlap_by_hand():
    a = np.array([[0.0, 0, 4, 4]] * 4)
    b = np.array([[0.0, 0, 4, 4], [2, 0, 4, 4], [4, 4, 4, 4], [1, 1, 2, 2]])
    assert canvas.overlap(a, b) == pytest.approx([1, 8 / 24, 0, 4 / 16])


# --- Names ----------------------------------------------------------------------------------------------


def test_names():
    pairs = names.tagged(2000, rng=np.random.default_rng(0))
    assert (
        pairs
        == names.tagged(2000, rng=np.random.default_rng(0))
        != names.tagged(2000, rng=np.random.default_rng(1))
    )
    seen = {}
    for words, tags in pairs:
        assert len(words) == len(tags) and sum(tags) >= 1
        for before, word, tag in zip(["", *words], words, tags):
            assert not (tag and before in ("a", "the"))  # the word before decides
            assert tag or word not in names.NAMES
            seen.setdefault(word, []).append(tag)
    assert all(0.3 < np.mean(seen[word]) < 0.7 for word in names.BOTH)  # the word alone does not
    assert not set(names.BOTH) & {*names.NAMES, *names.THINGS}
