"""What the models of the examples learn: a short run, and all of it if asked for."""

from __future__ import annotations

import os

import numpy as np
import pytest

import wengert as wg
from wengert import nn
from wengert.examples.learning import characters, digits, pruning

FULL = os.environ.get("WENGERT_FULL_TESTS") == "1"


def agrees(study):
    missed = [row for row in study.rows if not row.agrees]
    assert not missed
    study.figure()


def test_both_networks_read_digits():
    agrees(digits.study() if FULL else digits.study(seeds=1, epochs=25))


def test_a_tenth_of_the_weights_reads_digits():
    agrees(pruning.study() if FULL else pruning.study(seeds=1))


def test_the_parts_of_the_digits_are_apart_and_even():
    train, test = digits.digits()
    assert train.images.shape == (1437, 1, 8, 8) and test.images.shape == (360, 1, 8, 8)
    shares = np.bincount(test.labels) / np.bincount(train.labels)
    np.testing.assert_allclose(shares, 360 / 1437, atol=0.008)
    seen = {image.tobytes() for image in train.images}
    assert not any(image.tobytes() in seen for image in test.images)


def test_images_are_moved_by_a_pixel_at_most():
    images = np.zeros((200, 1, 8, 8))
    images[:, 0, 3, 4] = 1.0
    found = digits.moved(images, wg.random.key(0))
    assert np.all(found.sum(axis=(1, 2, 3)) == 1.0)
    _, _, rows, columns = np.nonzero(found)
    assert {*zip(rows - 3, columns - 4, strict=True)} == {
        (i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)
    }


def test_saliency_is_the_mean_of_what_each_image_says():
    train, _ = digits.digits()
    few = digits.Digits(train.images[:7].astype(float), train.labels[:7])
    params, state = nn.setup(wg.random.key(0), digits.DENSE.model, few.images[:1])

    def loss(params, image, digit):
        scores, _ = nn.apply(digits.DENSE.model, image, params, state)
        return nn.cross_entropy(scores, digit)

    each = wg.vmap(wg.grad(loss), in_axes=(None, 0, 0))
    grads = each(params, few.images[:, None], few.labels[:, None])
    expected = wg.tree.map(lambda w, g: np.mean(np.abs(w * g), axis=0), params, grads)
    found = pruning.saliency(params, state, few)
    for a, b in zip(wg.tree.leaves(found), wg.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


def test_a_mask_keeps_the_largest_and_the_biases():
    worth = {"weight": np.arange(20.0).reshape(4, 5), "bias": np.zeros(4)}
    mask = pruning.mask_of(worth, 0.1)
    assert mask["weight"].sum() == 2 and mask["weight"][3, 3:].all()
    assert mask["bias"].all()
    kept = pruning.masked(worth, mask)
    assert pruning.share_kept(kept) == pytest.approx(0.1)


def test_a_recurrent_network_learns_more_than_the_frequencies_of_pairs():
    text = characters.python_topics()
    reader = characters.Reader("GRU", text, 200)
    learnt, losses = reader.learn()
    bits = reader.bits(learnt)
    assert bits < 3.0 and abs(bits - losses[-1]) < 0.4
    written = reader.write(learnt, "The statement", 80)
    assert len(written) == 80 and set(written) <= set(text.alphabet)
    assert written == reader.write(learnt, "The statement", 80)
    assert written != reader.write(learnt, "The statement", 80, seed=1)


@pytest.mark.skipif(not FULL, reason="two minutes; with WENGERT_FULL_TESTS=1")
def test_three_models_read_the_documentation_of_python():
    agrees(characters.study())


def test_windows_of_a_text_overlap_by_the_character_to_be_found():
    text = characters.python_topics()
    windows = text.windows(0, 1000, characters.LENGTH)
    assert windows.shape == (15, characters.LENGTH + 1)
    np.testing.assert_array_equal(windows[:-1, -1], windows[1:, 0])
    assert "".join(text.alphabet[c] for c in text.codes[:9]) == text_of_python()[:9]


def text_of_python():
    from pydoc_data.topics import topics

    return topics[min(topics)]
