#include "vision/convolution.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>

struct mask__conv {
    const mask__graph_op *op;
    size_t in[4], out[4], kernel[2];
    bool add;
    dnnl_engine_t engine;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_memory_desc_t from, to, weights_desc, bias_desc, scratch_desc;
    float *weights, *bias; /* as oneDNN wants them */
    bool borrowed;         /* the weights are the twin's */
};

static mask_status failed(dnnl_status_t status, mask_error *err)
{
    if (status == dnnl_out_of_memory) return mask__no_memory(err, "a convolution");
    return mask__fail(err, MASK_EINVAL,
                      "oneDNN cannot do a convolution of the network (its status %d): use another model", (int)status);
}

static dnnl_status_t describe_tensor(dnnl_memory_desc_t *desc, const size_t shape[4])
{
    dnnl_dims_t dims = {1, (dnnl_dim_t)shape[3], (dnnl_dim_t)shape[1], (dnnl_dim_t)shape[2]};
    return dnnl_memory_desc_init_by_tag(desc, 4, dims, dnnl_f32, dnnl_nhwc);
}

/* As the graph stores weights; `any` leaves the layout to oneDNN. */
static dnnl_status_t describe_weights(dnnl_memory_desc_t *desc, const mask__conv *c, bool any)
{
    dnnl_dim_t rows = (dnnl_dim_t)c->kernel[0], columns = (dnnl_dim_t)c->kernel[1], groups = (dnnl_dim_t)c->op->groups;
    dnnl_dim_t in = (dnnl_dim_t)c->in[3] / groups, out = (dnnl_dim_t)c->out[3] / groups, each = rows * columns * in;
    dnnl_dims_t dims = {groups, out, in, rows, columns}, strides = {out * each, each, 1, columns * in, in};
    int skip = groups == 1; /* a dimension less */
    if (any) return dnnl_memory_desc_init_by_tag(desc, 5 - skip, dims + skip, dnnl_f32, dnnl_format_tag_any);
    return dnnl_memory_desc_init_by_strides(desc, 5 - skip, dims + skip, dnnl_f32, strides + skip);
}

/* dnnl_alg_kind_undef where a convolution cannot end with it. */
static dnnl_alg_kind_t algorithm_of(mask__activation activation)
{
    static const dnnl_alg_kind_t known[] = {
        [MASK__RELU] = dnnl_eltwise_relu,
        [MASK__CLIP] = dnnl_eltwise_clip,
        [MASK__HARD_SWISH] = dnnl_eltwise_hardswish,
        [MASK__LOGISTIC] = dnnl_eltwise_logistic,
        [MASK__SILU] = dnnl_eltwise_swish,
        [MASK__GELU] = dnnl_eltwise_gelu_erf,
        [MASK__GELU_TANH] = dnnl_eltwise_gelu_tanh,
        [MASK__LEAKY] = dnnl_eltwise_relu,
    };
    return activation < sizeof known / sizeof *known ? known[activation] : dnnl_alg_kind_undef;
}

bool mask__conv_activates(mask__activation activation)
{
    return activation == MASK__LINEAR || algorithm_of(activation) != dnnl_alg_kind_undef;
}

static dnnl_status_t append_post_ops(dnnl_post_ops_t ops, const mask__conv *c)
{
    mask__activation activation = c->op->activation;
    dnnl_status_t status = c->add ? dnnl_post_ops_append_sum(ops, 1) : dnnl_success;
    if (status != dnnl_success || activation == MASK__LINEAR) return status;
    bool bounds = activation == MASK__CLIP || activation == MASK__LEAKY;
    float alpha = activation == MASK__SILU ? 1 : bounds ? c->op->low : 0;
    return dnnl_post_ops_append_eltwise(ops, 1, algorithm_of(activation), alpha, c->op->high);
}

static dnnl_status_t describe_convolution(mask__conv *c, dnnl_primitive_attr_t attributes)
{
    dnnl_memory_desc_t weights, bias;
    dnnl_convolution_desc_t desc;
    dnnl_dims_t strides, dilates, before, after, channels = {(dnnl_dim_t)c->out[3]};
    for (int d = 0; d < 2; d++) {
        strides[d] = (dnnl_dim_t)c->op->stride[d];
        dilates[d] = (dnnl_dim_t)c->op->dilation[d] - 1;
        before[d] = (dnnl_dim_t)c->op->pad_before[d];
        after[d] = (dnnl_dim_t)c->op->pad_after[d];
    }
    dnnl_status_t status = describe_tensor(&c->from, c->in);
    if (status == dnnl_success) status = describe_tensor(&c->to, c->out);
    if (status == dnnl_success) status = describe_weights(&weights, c, true);
    if (status == dnnl_success) status = dnnl_memory_desc_init_by_tag(&bias, 1, channels, dnnl_f32, dnnl_x);
    if (status == dnnl_success)
        status =
            dnnl_dilated_convolution_forward_desc_init(&desc, dnnl_forward_inference, dnnl_convolution_direct, &c->from,
                                                       &weights, &bias, &c->to, strides, dilates, before, after);
    if (status == dnnl_success)
        status = dnnl_primitive_desc_create(&c->description, &desc, attributes, c->engine, NULL);
    return status;
}

static dnnl_status_t create_primitive(mask__conv *c)
{
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_engine_create(&c->engine, dnnl_cpu, 0);
    if (status == dnnl_success) status = dnnl_primitive_attr_create(&attributes);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    if (status == dnnl_success) status = dnnl_post_ops_create(&ops);
    if (status == dnnl_success) status = append_post_ops(ops, c);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(attributes, ops);
    if (status == dnnl_success) status = describe_convolution(c, attributes);
    if (status == dnnl_success) status = dnnl_primitive_create(&c->primitive, c->description);
    dnnl_post_ops_destroy(ops);
    dnnl_primitive_attr_destroy(attributes);
    return status;
}

/* Runs a primitive on arrays and waits for it. */
static dnnl_status_t execute(dnnl_engine_t engine, const_dnnl_primitive_t primitive, int count, const int *names,
                             const dnnl_memory_desc_t *const *descs, void *const *arrays)
{
    enum { MOST = 5 };
    dnnl_exec_arg_t args[MOST] = {{0}};
    dnnl_stream_t stream = NULL;
    dnnl_status_t status = dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
    for (int i = 0; i < count && status == dnnl_success; i++) {
        args[i].arg = names[i];
        status = dnnl_memory_create(&args[i].memory, descs[i], engine, arrays[i]);
    }
    if (status == dnnl_success) status = dnnl_primitive_execute(primitive, stream, count, args);
    if (status == dnnl_success) status = dnnl_stream_wait(stream);
    for (int i = 0; i < count; i++) dnnl_memory_destroy(args[i].memory);
    dnnl_stream_destroy(stream);
    return status;
}

static dnnl_status_t lay_out_weights(mask__conv *c, const float *weights)
{
    dnnl_memory_desc_t given;
    dnnl_primitive_desc_t description = NULL;
    dnnl_primitive_t reorder = NULL;
    size_t bytes = dnnl_memory_desc_get_size(&c->weights_desc);
    if (posix_memalign((void **)&c->weights, 64, bytes) != 0) return dnnl_out_of_memory;
    dnnl_status_t status = describe_weights(&given, c, false);
    if (status == dnnl_success)
        status = dnnl_reorder_primitive_desc_create(&description, &given, c->engine, &c->weights_desc, c->engine, NULL);
    if (status == dnnl_success) status = dnnl_primitive_create(&reorder, description);
    if (status == dnnl_success)
        status =
            execute(c->engine, reorder, 2, (int[]){DNNL_ARG_FROM, DNNL_ARG_TO},
                    (const dnnl_memory_desc_t *[]){&given, &c->weights_desc}, (void *[]){(void *)weights, c->weights});
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(description);
    return status;
}

static dnnl_status_t prepare(mask__conv *c, const float *weights, const float *bias, const mask__conv *twin)
{
    dnnl_status_t status = create_primitive(c);
    if (status != dnnl_success) return status;
    c->weights_desc = *dnnl_primitive_desc_query_md(c->description, dnnl_query_weights_md, 0);
    c->bias_desc = *dnnl_primitive_desc_query_md(c->description, dnnl_query_weights_md, 1);
    c->scratch_desc = *dnnl_primitive_desc_query_md(c->description, dnnl_query_scratchpad_md, 0);
    if (twin && dnnl_memory_desc_equal(&twin->weights_desc, &c->weights_desc)) {
        c->weights = twin->weights;
        c->bias = twin->bias;
        c->borrowed = true;
        return dnnl_success;
    }
    c->bias = calloc(c->out[3], sizeof *c->bias);
    if (!c->bias) return dnnl_out_of_memory;
    if (bias) memcpy(c->bias, bias, c->out[3] * sizeof *bias);
    return lay_out_weights(c, weights);
}

mask_status mask__conv_create(mask__conv **out, const mask__graph_op *op, const size_t x[4], const size_t y[4],
                              bool add, const mask__graph_tensor *weights, const float *bias, const mask__conv *twin,
                              mask_error *err)
{
    mask__conv *c = *out = calloc(1, sizeof *c);
    if (!c) return mask__no_memory(err, "a convolution");
    c->op = op;
    c->add = add;
    memcpy(c->in, x, sizeof c->in);
    memcpy(c->out, y, sizeof c->out);
    memcpy(c->kernel, weights->shape + 1, sizeof c->kernel);
    dnnl_status_t status = prepare(c, weights->values, bias, twin);
    if (status == dnnl_success) return MASK_OK;
    mask__conv_free(c);
    *out = NULL;
    return failed(status, err);
}

void mask__conv_free(mask__conv *c)
{
    if (!c) return;
    dnnl_primitive_destroy(c->primitive);
    dnnl_primitive_desc_destroy(c->description);
    dnnl_engine_destroy(c->engine);
    if (!c->borrowed) {
        free(c->weights);
        free(c->bias);
    }
    free(c);
}

size_t mask__conv_scratch(const mask__conv *c)
{
    return (dnnl_memory_desc_get_size(&c->scratch_desc) + sizeof(float) - 1) / sizeof(float);
}

mask_status mask__conv_run(const mask__conv *c, const float *from, float *to, float *scratch, mask_error *err)
{
    const int names[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
    const dnnl_memory_desc_t *descs[] = {&c->from, &c->weights_desc, &c->bias_desc, &c->to, &c->scratch_desc};
    void *arrays[] = {(void *)from, c->weights, c->bias, to, scratch};
    dnnl_status_t status = execute(c->engine, c->primitive, 5, names, descs, arrays);
    return status == dnnl_success ? MASK_OK : failed(status, err);
}
