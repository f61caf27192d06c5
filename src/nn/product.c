#include "nn/product.h"

#include "base/memory.h"

#ifdef MASK_DOUBLE

mask_status mask__product_make(mask__product **out, size_t max_numbers, mask_error *err)
{
    (void)max_numbers;
    *out = NULL;
    return mask__fail(err, MASK_EINVAL, "bf16: the double build has none");
}

void mask__product_free(mask__product *product)
{
    (void)product;
}

static bool run_bf16(void)
{
    return false;
}
#define run_bf16(...) run_bf16()

float mask__product_loss(const float *values, size_t rows, size_t n)
{
    (void)values, (void)rows, (void)n;
    return 0;
}

#else

#include <oneapi/dnnl/dnnl.h>

struct mask__product {
    mask__arena arena; /* which also holds this */
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    uint16_t *a, *b; /* the operands, rounded */
    size_t max_numbers;
};

mask_status mask__product_make(mask__product **out, size_t max_numbers, mask_error *err)
{
    mask__arena arena = {0};
    *out = NULL;
    if (dnnl_get_effective_cpu_isa() < dnnl_cpu_isa_avx512_core_bf16)
        return mask__fail(err, MASK_EINVAL, "bf16: this processor has no AVX512_BF16; compute in float instead");
    mask__product *p = mask__arena_alloc(&arena, 1, sizeof *p);
    if (!p) return mask__no_memory(err, "bf16 products");
    p->a = mask__arena_alloc(&arena, max_numbers, sizeof *p->a);
    p->b = mask__arena_alloc(&arena, max_numbers, sizeof *p->b);
    p->max_numbers = max_numbers;
    p->arena = arena;
    if (!p->a || !p->b || dnnl_engine_create(&p->engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags) != dnnl_success) {
        mask__product_free(p);
        return mask__no_memory(err, "bf16 products");
    }
    *out = p;
    return MASK_OK;
}

void mask__product_free(mask__product *product)
{
    if (!product) return;
    mask__arena arena = product->arena;
    if (product->stream) dnnl_stream_destroy(product->stream);
    if (product->engine) dnnl_engine_destroy(product->engine);
    mask__arena_free(&arena);
}

/* To nearest, ties to even; NaN stays NaN. */
static inline uint16_t round_one(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t rounded = (bits + 0x7FFFu + (bits >> 16 & 1)) >> 16;
    return (uint16_t)((bits & 0x7FFFFFFFu) > 0x7F800000u ? 0x7FC0u : rounded);
}

float mask__product_loss(const float *values, size_t rows, size_t n)
{
    float most = 0;
    for (size_t i = 0; i < rows; i++) {
        float sum = 0;
        for (size_t j = 0; j < n; j++) {
            uint32_t bits = (uint32_t)round_one(values[i * n + j]) << 16;
            float rounded;
            memcpy(&rounded, &bits, sizeof rounded);
            sum += (values[i * n + j] - rounded) * (values[i * n + j] - rounded);
        }
        most = sum > most ? sum : most;
    }
    return sqrtf(most);
}

/* from (rows, columns), rows ld apart -> to, without gaps */
static void round_all(size_t rows, size_t columns, const float *from, size_t ld, uint16_t *to)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) to[i * columns + j] = round_one(from[i * ld + j]);
}

/* A matrix (rows, columns) as it is used: row-major, or the transpose of one. */
static bool describe(dnnl_memory_desc_t *desc, dnnl_data_type_t type, size_t rows, size_t columns, bool transposed,
                     size_t ld)
{
    dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns}, strides = {(dnnl_dim_t)ld, 1};
    if (transposed) strides[0] = 1, strides[1] = (dnnl_dim_t)ld;
    return dnnl_memory_desc_init_by_strides(desc, 2, dims, type, strides) == dnnl_success;
}

/* beta is 0 or 1. The library caches what it generates for a shape, so this is quick when a shape comes again. */
static bool make_matmul(const mask__product *p, const dnnl_memory_desc_t desc[3], bool add, dnnl_primitive_t *out)
{
    dnnl_matmul_desc_t matmul;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t sum = NULL;
    dnnl_primitive_desc_t description = NULL;
    bool ok = dnnl_matmul_desc_init(&matmul, &desc[0], &desc[1], NULL, &desc[2]) == dnnl_success &&
              dnnl_primitive_attr_create(&attributes) == dnnl_success && dnnl_post_ops_create(&sum) == dnnl_success;
    if (ok && add)
        ok = dnnl_post_ops_append_sum(sum, 1) == dnnl_success &&
             dnnl_primitive_attr_set_post_ops(attributes, sum) == dnnl_success;
    ok = ok && dnnl_primitive_desc_create(&description, &matmul, attributes, p->engine, NULL) == dnnl_success &&
         dnnl_primitive_create(out, description) == dnnl_success;
    if (description) dnnl_primitive_desc_destroy(description);
    if (sum) dnnl_post_ops_destroy(sum);
    if (attributes) dnnl_primitive_attr_destroy(attributes);
    return ok;
}

static bool execute(const mask__product *p, dnnl_primitive_t matmul, const dnnl_memory_desc_t desc[3], void *data[3])
{
    static const int roles[3] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
    dnnl_exec_arg_t args[3] = {{0}};
    bool ok = true;
    for (int i = 0; i < 3; i++) {
        args[i].arg = roles[i];
        ok = ok && dnnl_memory_create(&args[i].memory, &desc[i], p->engine, data[i]) == dnnl_success;
    }
    ok = ok && dnnl_primitive_execute(matmul, p->stream, 3, args) == dnnl_success &&
         dnnl_stream_wait(p->stream) == dnnl_success;
    for (int i = 0; i < 3; i++)
        if (args[i].memory) dnnl_memory_destroy(args[i].memory);
    return ok;
}

/* False when it is not to be had this way (no memory, another beta): the caller then computes in float. */
static bool run_bf16(mask__product *p, bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
                     const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    dnnl_memory_desc_t desc[3];
    dnnl_primitive_t matmul = NULL;
    if (m * k > p->max_numbers || k * n > p->max_numbers || (beta != 0 && beta != 1)) return false;
    if (!describe(&desc[0], dnnl_bf16, m, k, ta, ta ? m : k) || !describe(&desc[1], dnnl_bf16, k, n, tb, tb ? k : n) ||
        !describe(&desc[2], dnnl_f32, m, n, false, ldc) || !make_matmul(p, desc, beta == 1, &matmul))
        return false;
    round_all(ta ? k : m, ta ? m : k, a, lda, p->a);
    round_all(tb ? n : k, tb ? k : n, b, ldb, p->b);
    bool ok = execute(p, matmul, desc, (void *[]){p->a, p->b, c});
    dnnl_primitive_destroy(matmul);
    return ok;
}

#endif

void mask__product_run(mask__product *product, bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                       const real *a, size_t lda, const real *b, size_t ldb, real beta, real *c, size_t ldc)
{
    if (product && run_bf16(product, transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc)) return;
    mask__real_gemm(transpose_a, transpose_b, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}
