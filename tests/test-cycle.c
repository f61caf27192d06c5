/* The cycle loss against plain loops, and its gradient against finite differences. Built in float and in double: only
 * the latter differentiates. */
#include "check.h"
#include "adapt/cycle.h"

enum { Z = 6, MOST_WORDS = 7, MOST_REGIONS = 9 };

static real number(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (real)((double)(*state >> 33) / (double)(1u << 30) - 1);
}

static void fill(real *x, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) x[i] = number(&seed);
}

static void product(const real *x, size_t rows, const real *w, double *out)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t d = 0; d < Z; d++) {
            out[i * Z + d] = 0;
            for (size_t e = 0; e < Z; e++) out[i * Z + d] += (double)x[i * Z + e] * (double)w[e * Z + d];
        }
}

static double dot(const double *x, const double *y)
{
    double sum = 0;
    for (size_t d = 0; d < Z; d++) sum += x[d] * y[d];
    return sum;
}

/* sum over i of -log softmax(x_i x2' / T)_i, x2_i = sum_j softmax(x_i y' / T)_j y_j */
static double twin_side(const double *x, size_t n, const double *y, size_t m, double temperature)
{
    double found[MOST_REGIONS * Z] = {0}, loss = 0;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t j = 0; j < m; j++) sum += exp(dot(x + i * Z, y + j * Z) / temperature);
        for (size_t j = 0; j < m; j++)
            for (size_t d = 0; d < Z; d++)
                found[i * Z + d] += exp(dot(x + i * Z, y + j * Z) / temperature) / sum * y[j * Z + d];
    }
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t j = 0; j < n; j++) sum += exp(dot(x + i * Z, found + j * Z) / temperature);
        loss += log(sum) - dot(x + i * Z, found + i * Z) / temperature;
    }
    return loss;
}

static double twin(const real *u, size_t words, const real *mu, size_t regions, const real *w, double temperature,
                   bool unit)
{
    double a[MOST_REGIONS * Z] = {0}, b[MOST_REGIONS * Z] = {0};
    product(u, words, w, a);
    product(mu, regions, w, b);
    for (size_t i = 0; unit && i < MOST_REGIONS; i++) {
        double a_norm = sqrt(dot(a + i * Z, a + i * Z)), b_norm = sqrt(dot(b + i * Z, b + i * Z));
        for (size_t d = 0; d < Z; d++) {
            if (i < words) a[i * Z + d] /= a_norm;
            if (i < regions) b[i * Z + d] /= b_norm;
        }
    }
    return twin_side(a, words, b, regions, temperature) + twin_side(b, regions, a, words, temperature);
}

typedef struct batch {
    mask__cycle cycle;
    real u[MOST_WORDS * Z], mu[MOST_REGIONS * Z], w[Z * Z], gradient[Z * Z];
} batch;

static void make(batch *b, uint64_t seed)
{
    mask_error err;
    check_ok(mask__cycle_make(&b->cycle, MOST_WORDS, MOST_REGIONS, Z, &err));
    fill(b->u, MOST_WORDS * Z, seed);
    fill(b->mu, MOST_REGIONS * Z, seed + 1);
    fill(b->w, Z * Z, seed + 2);
    for (size_t d = 0; d < Z; d++) b->w[d * Z + d] += 1;
}

static const struct {
    size_t words, regions;
    double temperature;
    bool unit;
} cases[] = {{7, 9, 1, false},   {3, 9, 0.5, false}, {7, 2, 2, false}, {1, 1, 1, false},
             {1, 9, 0.7, false}, {7, 9, 0.2, true},  {3, 5, 1, true}};
enum { CASES = sizeof cases / sizeof *cases };

static void equals_its_twin(void **state)
{
    (void)state;
    batch b;
    for (size_t c = 0; c < CASES; c++) {
        make(&b, 11 + c);
        b.cycle.unit = cases[c].unit;
        double want = twin(b.u, cases[c].words, b.mu, cases[c].regions, b.w, cases[c].temperature, cases[c].unit);
        double got = mask__cycle_loss(&b.cycle, b.u, cases[c].words, b.mu, cases[c].regions, b.w,
                                      (real)cases[c].temperature, NULL);
        assert_true(fabs(got - want) <= 1e-5 * (1 + fabs(want)));
        mask__cycle_free(&b.cycle);
    }
}

static void the_gradient_is_that_of_the_loss(void **state)
{
    (void)state;
    if (sizeof(real) != sizeof(double)) return; /* differences need double: test-cycle-double */
    batch b;
    for (size_t c = 0; c < CASES; c++) {
        make(&b, 50 + c);
        b.cycle.unit = cases[c].unit;
        real t = (real)cases[c].temperature, step = (real)1e-5;
        mask__cycle_loss(&b.cycle, b.u, cases[c].words, b.mu, cases[c].regions, b.w, t, b.gradient);
        for (size_t i = 0; i < Z * Z; i++) {
            real old = b.w[i];
            b.w[i] = old + step;
            double up = mask__cycle_loss(&b.cycle, b.u, cases[c].words, b.mu, cases[c].regions, b.w, t, NULL);
            b.w[i] = old - step;
            double down = mask__cycle_loss(&b.cycle, b.u, cases[c].words, b.mu, cases[c].regions, b.w, t, NULL);
            b.w[i] = old;
            double slope = (up - down) / (2 * (double)step);
            if (!(fabs(slope - (double)b.gradient[i]) <= 1e-6 * (1 + fabs(slope))))
                fail_msg("case %zu, W[%zu]: %g, by differences %g", c, i, (double)b.gradient[i], slope);
        }
        mask__cycle_free(&b.cycle);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_its_twin),
        cmocka_unit_test(the_gradient_is_that_of_the_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
