/* Scenes against twins in double: the images' vectors (gathered in blocks), scene prototypes of all and of some images,
 * and the scene vector of an image at use. */
#include "made.h"
#include "annotations/labels.h"
#include "knowledge/scenes_learn.h"

enum { Z = 7, IMAGES = 23, MOST = IMAGES * 7, WORDS = 9, N = 5 };

static double unit_double(double *x, size_t n)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += x[i] * x[i];
    for (size_t i = 0; i < n && squares > 0; i++) x[i] /= sqrt(squares);
    return sqrt(squares);
}

typedef struct regions {
    size_t rows, image[MOST];
    float features[MOST * Z], box[MOST][4];
    char labels[MOST][64];
} regions;

static void fill_regions(regions *g, uint64_t *random)
{
    g->rows = 0;
    for (size_t i = 0; i < IMAGES; i++)
        for (size_t r = 0; r <= i % 7; r++, g->rows++) {
            float x = 50 * made_number(random), y = 50 * made_number(random), size = 100 * made_number(random);
            const float box[4] = {x, y, x + size, y + 30 * made_number(random)}; /* corners in any order */
            memcpy(g->box[g->rows], box, sizeof box);
            if (r % 5 == 3 || i == 4) g->box[g->rows][2] = x; /* no area; nowhere in image 4 */
            g->image[g->rows] = i;
            strcpy(g->labels[g->rows], "zaa");
            for (size_t d = 0; d < Z; d++) g->features[g->rows * Z + d] = made_number(random) + (d == 2);
        }
    memset(g->features + 9 * Z, 0, Z * sizeof *g->features); /* points nowhere, but has a box */
}

/* M_j of the header, not centred. */
static void twin_images(const regions *g, double m[IMAGES][Z])
{
    double weights[IMAGES] = {0};
    memset(m, 0, IMAGES * sizeof *m);
    for (size_t r = 0; r < g->rows; r++) {
        const float *b = g->box[r];
        double x[Z], area = fabs((double)b[2] - b[0]) * fabs((double)b[3] - b[1]), a = area > 0 ? sqrt(area) : 1e-3;
        for (size_t d = 0; d < Z; d++) x[d] = g->features[r * Z + d];
        unit_double(x, Z);
        for (size_t d = 0; d < Z; d++) m[g->image[r]][d] += a * x[d];
        weights[g->image[r]] += a;
    }
    for (size_t i = 0; i < IMAGES; i++)
        for (size_t d = 0; d < Z; d++) m[i][d] /= weights[i];
}

static void check_scenes(const mask__scenes *s, double m[IMAGES][Z])
{
    double covariance[Z][Z] = {{0}}, mean[Z] = {0}, trace = 0;
    for (size_t i = 0; i < IMAGES; i++)
        for (size_t d = 0; d < Z; d++) mean[d] += m[i][d] / IMAGES;
    for (size_t d = 0; d < Z; d++) assert_true(fabs(s->mean[d] - mean[d]) < 1e-5);
    for (size_t i = 0; i < IMAGES; i++)
        for (size_t d = 0; d < Z; d++)
            for (size_t e = 0; e < Z; e++) covariance[d][e] += (m[i][d] - mean[d]) * (m[i][e] - mean[e]) / IMAGES;
    for (size_t d = 0; d < Z; d++) trace += covariance[d][d];
    for (size_t d = 0; d < Z; d++) covariance[d][d] += 0.7 * trace / Z;
    /* C C' is the inverse of the shrunk covariance, whatever the signs of C's columns. */
    double inverse[Z][Z] = {{0}};
    for (size_t d = 0; d < Z; d++)
        for (size_t e = 0; e < Z; e++)
            for (size_t j = 0; j < Z; j++) inverse[d][e] += (double)s->projection[d * Z + j] * s->projection[e * Z + j];
    for (size_t d = 0; d < Z; d++)
        for (size_t e = 0; e < Z; e++) {
            double sum = 0;
            for (size_t k = 0; k < Z; k++) sum += inverse[d][k] * covariance[k][e];
            assert_true(fabs(sum - (d == e)) < 1e-4);
        }
    for (size_t i = 0; i < IMAGES; i++)
        for (size_t j = 0; j < Z; j++) {
            double sum = 0;
            for (size_t d = 0; d < Z; d++) sum += (m[i][d] - mean[d]) * s->projection[d * Z + j];
            assert_true(fabs(s->vectors[i * Z + j] - sum) < 1e-4);
        }
}

static void images_are_gathered_over_blocks(void **state)
{
    (void)state;
    static const size_t blocks[] = {1, 4, 1000}; /* images may lie across them */
    static regions g;
    mask_error err;
    double m[IMAGES][Z];
    uint64_t random = 1;
    fill_regions(&g, &random);
    twin_images(&g, m);
    mask_labels *labels = made_regions(g.features, g.rows, Z, g.labels, g.image, (const float(*)[4])g.box);
    assert_int_equal(mask_labels_images(labels), IMAGES);
    for (size_t b = 0; b < 3; b++) {
        mask__scene_gatherer gatherer;
        mask__scenes scenes;
        mask__arena arena = {0};
        check_ok(mask__scenes_begin(&gatherer, labels, Z, &arena, &err));
        for (size_t first = 0; first < g.rows; first += blocks[b])
            mask__scenes_visit(&gatherer, first, g.rows - first < blocks[b] ? g.rows - first : blocks[b],
                               g.features + first * Z);
        check_ok(mask__scenes_finish(&gatherer, &scenes, &err));
        assert_int_equal(scenes.images, IMAGES);
        check_scenes(&scenes, m);
        mask__arena_free(&arena);
    }
    mask_labels_close(labels);
}

typedef struct world {
    float vectors[IMAGES * Z], words[WORDS * N];
    uint64_t at[IMAGES + 1];
    uint32_t word[IMAGES * WORDS];
    mask__scenes scenes;
    mask__incidence incidence;
    mask__neighbours neighbours;
} world;

static void make_world(world *w, uint64_t seed)
{
    mask_error err;
    uint64_t random = seed;
    size_t used = 0;
    for (size_t i = 0; i < IMAGES * Z; i++) w->vectors[i] = made_number(&random) + (i % Z == 1 ? 0.5f : 0);
    for (size_t i = 0; i < WORDS * N; i++) w->words[i] = made_number(&random);
    for (size_t i = 0; i < WORDS; i++) mask__normalise(w->words + i * N, N);
    for (size_t j = 0; j < IMAGES; j++) { /* word 8 is in no image, word 7 in the first only */
        for (uint32_t k = 0; k < WORDS - 1; k++)
            if (k == 7 ? j == 0 : made_number(&random) > 0.3f) w->word[used++] = k;
        w->at[j + 1] = used;
    }
    w->scenes = (mask__scenes){.images = IMAGES, .z = Z, .vectors = w->vectors};
    w->incidence = (mask__incidence){IMAGES, WORDS, w->at, w->word};
    mask__word_space space = {WORDS, N, 0, w->words, NULL};
    mask__neighbour_options o = {.m = 3, .temperature = 0.1f, .skip_self = true};
    check_ok(mask__neighbours_find(&w->neighbours, &space, &space, &o, &err));
}

/* x = a^-1 b (n x Z) by Gauss and Jordan. */
static void solve_double(double a[WORDS][WORDS], double b[WORDS][Z])
{
    for (size_t p = 0; p < WORDS; p++)
        for (size_t r = 0; r < WORDS; r++) {
            if (r == p) continue;
            double factor = a[r][p] / a[p][p];
            for (size_t c = 0; c < WORDS; c++) a[r][c] -= factor * a[p][c];
            for (size_t d = 0; d < Z; d++) b[r][d] -= factor * b[p][d];
        }
    for (size_t p = 0; p < WORDS; p++)
        for (size_t d = 0; d < Z; d++) b[p][d] /= a[p][p];
}

static void twin_prototypes(const world *w, const bool *use, double pseudo, double out[WORDS][Z])
{
    double t[IMAGES][WORDS] = {{0}}, share[WORDS] = {0}, count[WORDS] = {0}, p[WORDS][Z] = {{0}}, images = 0;
    double gram[WORDS][WORDS] = {{0}}, q[WORDS][Z] = {{0}};
    for (size_t j = 0; j < IMAGES; j++) {
        if (use && !use[j]) continue;
        images++;
        for (uint64_t i = w->at[j]; i < w->at[j + 1]; i++) {
            t[j][w->word[i]] = 1;
            count[w->word[i]]++;
            for (size_t d = 0; d < Z; d++) p[w->word[i]][d] += w->vectors[j * Z + d];
        }
    }
    for (size_t k = 0; k < WORDS; k++) {
        share[k] = count[k] / images;
        for (size_t d = 0; d < Z && count[k] > 0; d++) p[k][d] /= count[k];
    }
    for (size_t k = 0; k < WORDS; k++) /* shrunk towards the neighbours as they were */
        for (size_t d = 0; d < Z; d++) {
            double others = 0;
            for (size_t i = 0; i < 3; i++) {
                mask__ranked near = w->neighbours.items[k * 3 + i];
                others += (double)near.value * p[near.index][d];
            }
            out[k][d] = pseudo > 0 ? (count[k] * p[k][d] + pseudo * others) / (count[k] + pseudo) : p[k][d];
        }
    for (size_t j = 0; j < IMAGES; j++) {
        if (use && !use[j]) continue;
        for (size_t a = 0; a < WORDS; a++) {
            for (size_t b = 0; b < WORDS; b++) gram[a][b] += (t[j][a] - share[a]) * (t[j][b] - share[b]);
            for (size_t d = 0; d < Z; d++) q[a][d] += (t[j][a] - share[a]) * w->vectors[j * Z + d];
        }
    }
    for (size_t a = 0; a < WORDS; a++) gram[a][a] += 20;
    solve_double(gram, q);
    for (size_t k = 0; k < WORDS; k++) {
        unit_double(out[k], Z);
        unit_double(q[k], Z);
        for (size_t d = 0; d < Z; d++) out[k][d] += q[k][d];
    }
}

static void prototypes_equal_the_twin(void **state)
{
    (void)state;
    static world w;
    mask_error err;
    float got[WORDS * Z];
    double want[WORDS][Z];
    bool some[IMAGES], one[IMAGES] = {false};
    for (size_t j = 0; j < IMAGES; j++) some[j] = j % 5 != 0; /* without the only image of word 7 */
    one[3] = true;
    const bool *uses[] = {NULL, some, one};
    for (uint64_t seed = 1; seed <= 4; seed++) {
        make_world(&w, seed);
        for (size_t u = 0; u < 3; u++)
            for (int pseudo = 0; pseudo <= 15; pseudo += 15) {
                for (size_t i = 0; i < WORDS * Z; i++) got[i] = 99; /* what was there does not matter */
                check_ok(
                    mask__scene_prototypes(&w.scenes, &w.incidence, uses[u], &w.neighbours, (float)pseudo, got, &err));
                twin_prototypes(&w, uses[u], pseudo, want);
                for (size_t k = 0; k < WORDS; k++)
                    for (size_t d = 0; d < Z; d++)
                        if (!(fabs(got[k * Z + d] - want[k][d]) < 1e-4))
                            fail_msg("use %zu pseudo %d word %zu: %g, not %g", u, pseudo, k, (double)got[k * Z + d],
                                     want[k][d]);
            }
        mask__neighbours_free(&w.neighbours);
    }
}

static void projections_equal_the_twin(void **state)
{
    (void)state;
    enum { COUNT = 6 };
    float projection[Z * Z], centre[Z], x[COUNT * Z], scratch[COUNT * Z], out[COUNT * Z];
    uint64_t random = 3;
    for (size_t i = 0; i < Z * Z; i++) projection[i] = made_number(&random);
    for (size_t i = 0; i < Z; i++) centre[i] = made_number(&random);
    for (size_t i = 0; i < COUNT * Z; i++) x[i] = made_number(&random);
    memcpy(x + 2 * Z, centre, sizeof centre); /* no direction at all */
    mask__scenes_project(projection, centre, x, COUNT, Z, scratch, out);
    for (size_t i = 0; i < COUNT; i++) {
        double y[Z] = {0};
        for (size_t j = 0; j < Z; j++)
            for (size_t d = 0; d < Z; d++) y[j] += ((double)x[i * Z + d] - centre[d]) * projection[d * Z + j];
        unit_double(y, Z);
        for (size_t j = 0; j < Z; j++) assert_true(fabs(out[i * Z + j] - y[j]) < 1e-5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_gathered_over_blocks),
        cmocka_unit_test(prototypes_equal_the_twin),
        cmocka_unit_test(projections_equal_the_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
