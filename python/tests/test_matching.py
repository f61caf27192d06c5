"""Knowledge, matching, evaluation: the same bits as the command line."""
import json

import numpy as np
import pytest

import mask_match as m


def test_scores_are_the_command_line_s_bit_for_bit(demo, command, tmp_path):
    command("eval", demo.folder / "k.mask", demo.folder / "demo_precomp", "--split", "dev", "--save-sims", tmp_path / "sims.npy")
    assert np.array_equal(np.load(tmp_path / "sims.npy").T, demo.scores)
    m.save_scores(tmp_path / "ours.npy", demo.scores)
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "sims.npy").read_bytes()


def test_learning_is_the_command_line_s(demo, command, tmp_path):
    command("learn", demo.folder / "knowledge", "--vectors", demo.vectors.path, "--encoder", "whiten", "-o", tmp_path / "k.mask")
    theirs = m.Knowledge(tmp_path / "k.mask")
    assert theirs.words == demo.plain.words and np.array_equal(theirs.prototypes, demo.plain.prototypes)
    assert theirs.learned.keys() == demo.plain.learned.keys()


def test_recalls(demo, command):
    ours = m.recalls(demo.scores)
    theirs = json.loads(command("eval", demo.folder / "k.mask", demo.folder / "demo_precomp", "--split", "dev", "--json"))
    assert ours.rsum == pytest.approx(theirs["rsum"], abs=1e-6) and ours.t2i.r1 == pytest.approx(theirs["t2i"]["r1"], abs=1e-6)
    assert m.recalls(demo.scores, folds=5).rsum > ours.rsum
    ranks = (demo.scores > demo.scores[np.arange(1000), np.arange(1000) // 5][:, None]).sum(1)
    assert ours.t2i.r10 == pytest.approx(100 * (ranks < 10).mean())
    with pytest.raises(ValueError, match="five texts"):
        m.recalls(demo.scores[:7])


def test_scores_and_report(demo):
    scores, kinds, report = demo.matcher.scores_and_report(*demo.data)
    assert np.array_equal(scores, demo.scores) and not report.transductive and report.texts == 1000
    assert m.recalls(scores, text_kinds=kinds).t2i_known.queries == int((kinds == 1).sum())
    plain = m.Matcher(demo.plain, calibrate="full")
    assert plain.scores_and_report(*demo.data).report.transductive


def test_arrays_give_what_files_give(demo):
    images = demo.data.images
    array = np.stack(list(images))
    boxes = np.stack([images.boxes(i) for i in range(len(images))])
    assert np.array_equal(demo.matcher.scores(m.Images(array, boxes=boxes), list(demo.data.texts)), demo.scores)


def test_reading_and_explanation(demo):
    reading = demo.matcher.read("A puppy and a ball")
    assert [(word.token, word.kind) for word in reading] == [("a", "dropped"), ("puppy", "ood"), ("and", "dropped"), ("a", "dropped"),
                                                             ("ball", "known")]
    assert reading[1].neighbours[0].word == "dog" and reading[-1].count > 0
    e = demo.matcher.explain(demo.data.images, 38, "A puppy and a ball")
    assert e.cosines.shape == (2, 8) and e.boxes.shape == (8, 4) and [word.token for word in e.terms] == ["puppy", "ball"]
    weights = np.array([word.weight for word in e.terms])
    pooled = (weights * e.word_scores).sum() / weights.sum()
    texts = m.Texts(["A puppy and a ball"])
    assert e.score == pytest.approx(demo.matcher.scores(demo.data.images, texts)[0, 38], abs=1e-4)
    assert np.isfinite(pooled) and not e.transductive


def test_results_outlive_what_they_came_from(demo):
    matcher = m.Matcher(demo.folder / "k.mask")
    reading, e = matcher.read("a puppy"), matcher.explain(demo.data.images, 3, "a dog")
    gallery = m.Gallery(demo.folder / "g.gallery")
    results = gallery.search("a dog")
    first, parts = results[0], results[0].words
    matcher.close(), gallery.close()
    del matcher, gallery, results
    junk = [bytearray(1000) for _ in range(1000)]
    assert reading[1].token == "puppy" and e.cosines.shape == (1, 8) and first.id and parts[0].word == "dog" and junk


def test_knowledge(demo, tmp_path):
    k = demo.knowledge
    assert len(k) == len(k.words) == len(k.counts) == 45 and "dog" in k and k.prototypes.shape == (45, k.info.dim)
    assert k.info.background_images == 100 and k.info.learned.representation == "whiten"
    encoded = list(k.encode(demo.data.images))
    assert len(encoded) == 200 and encoded[0].shape == (8, k.info.dim)
    adapted = k.adapt(demo.folder / "background_ims.npy", m.Texts.open(demo.folder / "background_caps.txt"), epochs=1)
    assert adapted.report.epochs == 1
    copy = k.calibrate(demo.folder / "background_ims.npy", ["a dog", "a cat"], top=1)
    copy.round()
    copy.save(tmp_path / "copy.mask")
    assert m.Knowledge(tmp_path / "copy.mask").match_options["top"] == "1"


def test_teaching_a_word(demo):
    images = [demo.data.images[i] for i, text in enumerate(demo.data.texts[::5]) if "kite" in text][:5]
    taught = demo.knowledge.teach("my toy", images)
    assert len(taught) == len(demo.knowledge) + 1 and "my_toy" in "_".join(taught.words).replace(" ", "_")


def test_choosing_says_what_was_tried(demo):
    k = m.Knowledge.learn(demo.folder / "knowledge", demo.vectors, epochs=0)
    assert sum(choice.kept for choice in k.choices) == 1 and {choice.representation for choice in k.choices} >= {"none", "whiten"}


def test_ranks_and_intervals(demo, command, tmp_path):
    r, ranks = m.recalls(demo.scores), m.ranks(demo.scores)
    assert 100 * (ranks.t2i < 5).mean() == pytest.approx(r.t2i.r5) and 100 * (ranks.i2t < 1).mean() == pytest.approx(r.i2t.r1)
    assert r.rsum_low < r.rsum < r.rsum_high
    command("eval", demo.folder / "k.mask", demo.folder / "demo_precomp", "--split", "dev", "--per-query", tmp_path / "q.npz")
    with np.load(tmp_path / "q.npz") as theirs:
        assert np.array_equal(theirs["t2i"], ranks.t2i) and np.array_equal(theirs["i2t"], ranks.i2t)


def test_map_at_r_counts_every_relevant_item(tmp_path):
    scores = np.array([[9, 8, 7, 6, 5], [1, 2, 3, 4, 5]], np.float32)
    one = m.map_at_r(scores, {0: [0, 2, 4], 1: [4]})
    assert one.average_precision == pytest.approx([(1 + 2 / 3) / 3, 1])  # of the first three 0 and 2 are relevant
    assert one.r_precision == pytest.approx(100 * (2 / 3 + 1) / 2) and one.r1 == 100
    (tmp_path / "relevant.json").write_text('{"17": [103], "5": [100, 104]}')  # names, as in ECCV Caption's files
    named = m.map_at_r(scores, tmp_path / "relevant.json", queries=[5, 17], items=[100, 101, 102, 103, 104])
    assert named.average_precision == pytest.approx([0, 0.5]) and named.r1 == 50
    with pytest.raises(KeyError, match="query 9"):
        m.map_at_r(scores, {9: [0]})


def test_a_background_s_own_images_are_noticed(demo):
    half = [demo.data.images[i] for i in range(0, 200, 2)]
    leaking = demo.plain.calibrate(half, m.Texts.open(demo.folder / "background_caps.txt"), demo.vectors)
    assert demo.knowledge.seen(demo.data.images) == 0 and leaking.seen(demo.data.images) == 100
    leaking.round()
    assert leaking.seen(demo.data.images) == 100
    mixed = demo.knowledge.mix(demo.data.images)
    assert mixed.info.background_own == 200 and mixed.seen(demo.data.images) == 200


def test_reranking(demo, tmp_path):
    base = m.Matcher(demo.plain, calibrate="none", ood="off").scores(*demo.data)
    r = m.rerank(base, demo.scores, top_k=15, alpha=1.0)
    assert m.recalls(base).rsum < r.rsum
    with m.Reranking(base, 15) as reranking:
        reranking.add(demo.matcher, *demo.data)
        assert reranking.recalls(alpha=1.0).rsum == pytest.approx(r.rsum)
        assert reranking.recalls(alpha=0.0).rsum == pytest.approx(m.recalls(base).rsum, abs=0.5)
        reranking.save(tmp_path / "lists.npy")
    assert np.load(tmp_path / "lists.npy").shape == (200, 1000)


def test_prototypes_of_another_program(demo, command, tmp_path):
    words, array = demo.plain.words[:3] + ["nosuchword"], np.arange(256, dtype=np.float32).reshape(4, 64) * [[0], [1], [1], [1]]
    ours = m.Knowledge.from_prototypes(words, array, demo.vectors, "by hand")
    assert ours.words == words[1:3] and (ours.report.listed, ours.report.no_vector, ours.report.no_prototype) == (4, 1, 1)
    assert ours.info.provenance == "by hand" and m.Matcher(ours, demo.vectors).scores(*demo.data).shape == demo.scores.shape
    (tmp_path / "words.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    np.save(tmp_path / "p.npy", array.astype(np.float32))
    command("convert", "--mack-vocabulary", tmp_path / "words.json", "--mack-prototypes", tmp_path / "p.npy", "--vectors",
            demo.vectors.path, "-o", tmp_path / "k.mask")
    theirs = m.Knowledge(tmp_path / "k.mask")
    assert theirs.words == ours.words and np.array_equal(theirs.prototypes, ours.prototypes)


def test_a_classifier_s_classes_are_learned(demo):
    head = m.Head(np.random.default_rng(0).normal(0, 1, (2, 64)), ["zebra, striped animal", "boat, craft"])
    beside = m.Knowledge.learn(demo.folder / "knowledge", demo.vectors, encoder="whiten", head=head)
    assert beside.counts[beside.words.index("boat")] == demo.plain.counts[demo.plain.words.index("boat")] + 3
    alone = m.Knowledge.learn(m.Images.open(demo.folder / "background_ims.npy"), demo.vectors, head=head)
    assert alone.words == ["boat"] and list(alone.counts) == [3]
    with pytest.raises(ValueError, match="for 1 labels"):
        m.Knowledge.learn(demo.folder / "knowledge", demo.vectors, head=m.Head(head.weights, ["zebra"]))
