/* Texts for an image against scoring every text by a search: the same bits, the same order; from a fresh index and a
 * kept one. */
#include "made-gallery.h"
#include "search/queryplan.h"

#include <dirent.h>
#include <unistd.h>

enum { TEXTS = 60, K = 7 };

typedef struct texts {
    char lines[TEXTS][64];
    mask_texts *set;
} texts;

static void make_lines(texts *t, uint64_t *random)
{
    mask_error err;
    const char *list[TEXTS];
    for (size_t i = 0; i < TEXTS; i++) {
        size_t length = 0;
        t->lines[i][0] = 0;
        for (size_t w = 0; w < below(random, 5); w++)
            length += (size_t)snprintf(t->lines[i] + length, 64 - length, "%s ", made_word(below(random, VECTORS)));
        if (i % 9 == 5) memcpy(t->lines[i], t->lines[i - 1], 64); /* ties */
        list[i] = t->lines[i];
    }
    check_ok(mask_texts_create(&t->set, list, TEXTS, &err));
}

static int compare(const void *a, const void *b)
{
    const mask_annotation *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->text > y->text) - (x->text < y->text);
}

/* Every text's score with an image, sorted; texts that say nothing are left out. */
static size_t brute_force(const made_gallery *m, const world *w, const texts *t, size_t segment, size_t image,
                          mask_annotation *out)
{
    size_t count = 0;
    float c[64], scratch[256];
    for (size_t i = 0; i < TEXTS; i++) {
        mask_error err;
        mask__plan plan;
        mask__arena readings = {0};
        mask_query_text text = {t->lines[i], 1};
        mask_query q = {.texts = &text, .count = 1};
        mask_status status = mask__plan_open(&plan, &m->g, w->vectors, &q, &readings, &err);
        if (status == MASK_OK) out[count++] = (mask_annotation){i, mask__plan_score(&plan, segment, image, c, scratch)};
        else assert_int_equal(status, MASK_ENOTFOUND);
        mask__plan_close(&plan);
        mask__arena_free(&readings);
    }
    qsort(out, count, sizeof *out, compare);
    return count;
}

/* OOD words' neighbours come from one product for all words of the texts, so the last bits may differ from a search's.
 */
static void check_best(const mask_annotation *got, size_t count, const mask_annotation *want, size_t all)
{
    assert_int_equal(count, all < K ? all : K);
    for (size_t i = 0; i < count; i++) {
        if (fabs(got[i].score - want[i].score) > 1e-5 * (1 + fabs(want[i].score)))
            fail_msg("rank %zu: %.9g, not %.9g", i, got[i].score, want[i].score);
        if (i)
            assert_true(got[i - 1].score > got[i].score ||
                        (got[i - 1].score == got[i].score && got[i - 1].text < got[i].text));
        if (got[i].text == want[i].text) continue;
        bool near = false; /* another order only among equals */
        for (size_t j = 0; j < all; j++)
            near = near || (want[j].text == got[i].text && fabs(want[j].score - want[i].score) < 1e-5);
        assert_true(near);
    }
}

typedef struct seen {
    const made_gallery *m;
    const world *w;
    const texts *t;
    size_t images, segment, image;
    size_t stop_after;
} seen;

static int visit(void *user, const char *id, const mask_annotation *best, size_t count)
{
    seen *s = user;
    const mask__snapshot *snapshot = &s->m->g.snapshot;
    mask_annotation want[TEXTS];
    for (;; s->image++) { /* the next that is alive */
        if (s->image == snapshot->segments[s->segment].images) {
            s->segment++;
            s->image = 0;
        }
        if (snapshot->segments[s->segment].alive[s->image / 64] >> s->image % 64 & 1) break;
    }
    assert_string_equal(id, snapshot->segments[s->segment].ids[s->image]);
    check_best(best, count, want, brute_force(s->m, s->w, s->t, s->segment, s->image, want));
    s->image++;
    return ++s->images == s->stop_after;
}

/* Files of kept texts in a folder. */
static size_t kept(const char *folder)
{
    size_t count = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d));) count += strstr(e->d_name, ".texts") != NULL;
    closedir(d);
    return count;
}

static void damage(const char *folder)
{
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d));) {
        char path[512];
        if (!strstr(e->d_name, ".texts")) continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        assert_int_equal(truncate(path, 200), 0);
    }
    closedir(d);
}

static void check_gallery(made_gallery *m, const world *w, const texts *t)
{
    mask_error err;
    for (size_t round = 0; round < 3; round++) {
        mask_annotator *a;
        seen s = {.m = m, .w = w, .t = t};
        if (round == 2) damage(m->g.path);
        check_ok(mask_annotator_open(&a, &m->handle, w->vectors, t->set, NULL, &err));
        assert_int_equal(kept(m->g.path), 1);
        check_ok(mask_annotator_all(a, K, visit, &s, NULL, &err));
        assert_int_equal(s.images, m->g.snapshot.images);
        for (size_t i = 0; i < m->g.segments[0].images && i < 3; i++) {
            mask_annotation got[K], want[TEXTS];
            size_t count;
            if (!(m->g.snapshot.segments[0].alive[0] >> i & 1)) continue;
            check_ok(mask_annotator_image(a, m->g.snapshot.segments[0].ids[i], K, got, &count, &err));
            check_best(got, count, want, brute_force(m, w, t, 0, i, want));
        }
        mask_annotator_close(a);
    }
}

static void test_equals_search(void **state)
{
    (void)state;
    uint64_t random = 5;
    world w;
    make_world(&w, 9);
    mask_match_options full = mask_match_defaults(w.knowledge), o[5];
    full.ood_neighbours = 6;
    for (size_t i = 0; i < 5; i++) o[i] = full;
    o[1].pool = MASK_POOL_MEAN;
    o[2] = mask_match_defaults(w.plain);
    o[3].ood = MASK_OOD_OFF;
    o[4].whole_region = 0;
    o[4].calibrate = MASK_CALIBRATE_TEXT;
    for (size_t g = 0; g < 15; g++) {
        made_gallery m;
        texts t;
        char folder[256];
        snprintf(folder, sizeof folder, "%s", temp_path("annotate-XXXXXX"));
        assert_non_null(mkdtemp(folder));
        make_gallery(&m, &w, &o[g % 5], 1 + below(&random, 3), g == 0 ? 300 : 12, &random);
        m.g.path = folder;
        make_lines(&t, &random);
        check_gallery(&m, &w, &t);
        mask_texts_close(t.set);
        free_gallery(&m);
    }
    free_world(&w);
}

static void test_refusals(void **state)
{
    (void)state;
    uint64_t random = 6;
    world w;
    make_world(&w, 10);
    mask_match_options o = mask_match_defaults(w.knowledge);
    made_gallery m;
    texts t;
    mask_error err;
    mask_annotator *a;
    mask_annotation best[K];
    size_t count;
    make_gallery(&m, &w, &o, 1, 40, &random);
    m.g.path = "/nowhere/at/all"; /* cannot be written: nothing is kept, and nothing fails */
    make_lines(&t, &random);
    check_fails(mask_annotator_open(&a, &m.handle, NULL, t.set, NULL, &err), MASK_EINVAL,
                "need the word vectors of its knowledge");
    assert_null(a);
    check_ok(mask_annotator_open(&a, &m.handle, w.vectors, t.set, NULL, &err));
    check_fails(mask_annotator_image(a, "nobody", K, best, &count, &err), MASK_ENOTFOUND, "nobody");
    seen s = {.m = &m, .w = &w, .t = &t, .stop_after = 1};
    check_fails(mask_annotator_all(a, K, visit, &s, NULL, &err), MASK_ECANCELLED, "stopped");
    mask_annotator_close(a);
    mask_texts_close(t.set);
    free_gallery(&m);
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_search),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
