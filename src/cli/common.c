/* What the commands share: failures, JSON, files that come with mask, matching options, word vectors. */
#include "commands.h"

#include <stdarg.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int fail(const char *format, ...)
{
    va_list list;
    progress_end();
    fprintf(stderr, "mask: ");
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, "\n");
    return EXIT_FAILED;
}

int failed(const mask_error *err)
{
    return fail("%s", err->message);
}

/* Fills path with FOLDER/BELOW/NAME when that can be read. */
static bool try_place(char path[DATA_PATH], const char *folder, const char *below, const char *name)
{
    int length = snprintf(path, DATA_PATH, "%s%s/%s", folder, below, name);
    return length > 0 && length < DATA_PATH && access(path, R_OK) == 0;
}

bool find_data(const char *name, char path[DATA_PATH])
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length > 0) {
        program[length] = '\0';
        *strrchr(program, '/') = '\0';
        if (try_place(path, program, "", name) || try_place(path, program, "/../share/mask", name)) return true;
    }
    if (data && *data && try_place(path, data, "/mask", name)) return true;
    return home && try_place(path, home, "/.local/share/mask", name);
}

int find_encoder(const args *a, const char *usual, char path[DATA_PATH])
{
    const char *given = args_text(a, "--encoder", getenv("MASK_ENCODER"));
    if (given && *given)
        return snprintf(path, DATA_PATH, "%s", given) < DATA_PATH ? 0 : fail("%.60s...: too long", given);
    if (find_data(usual, path)) return 0;
    return fail("%s is not beside the program: %s, or name one with --encoder FILE.menc", usual,
                strcmp(usual, DETECTOR) == 0 ? "run make detector" : "build it again");
}

int print_json(json_t *object)
{
    int bad = json_dumpf(object, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) != 0 || putchar('\n') == EOF;
    json_decref(object);
    return bad ? fail("cannot write the result to stdout") : 0;
}

static int read_whole_region(const args *a, mask_match_options *o)
{
    const char *text = args_text(a, "--whole-region", NULL);
    if (!text) return 0;
    if (strcmp(text, "mean") == 0) {
        o->whole_region = MASK_WHOLE_MEAN;
    } else if (strcmp(text, "auto") == 0) {
        o->whole_region = MASK_WHOLE_AUTO;
    } else {
        return args_int(a, "--whole-region", 0, 1000000, &o->whole_region);
    }
    return 0;
}

static int read_ood(const args *a, mask_match_options *o)
{
    const char *text = args_text(a, "--ood", NULL), *weight = args_text(a, "--ood-weight", NULL);
    int bad = 0;
    if (text && strcmp(text, "off") == 0) {
        o->ood = MASK_OOD_OFF;
    } else if (text && strcmp(text, "procrustes") == 0) {
        o->ood = MASK_OOD_PROCRUSTES;
    } else if (text) {
        o->ood = MASK_OOD_NEIGHBOURS;
        bad = args_int(a, "--ood", 1, 1000000, &o->ood_neighbours);
    }
    if (!bad) bad = args_float(a, "--ood-temperature", 1e-6, 1e6, &o->ood_temperature);
    if (weight && strcmp(weight, "auto") == 0) o->ood_weight = -1;
    else if (!bad) bad = args_float(a, "--ood-weight", 0, 1e6, &o->ood_weight);
    return bad;
}

int read_match_options(const args *a, const mask_knowledge *knowledge, mask_match_options *o)
{
    static const char *const pools[] = {"max-mean", "region-max", "mean", NULL};
    static const mask_pool pool_of[] = {MASK_POOL_MAX_MEAN, MASK_POOL_REGION_MAX, MASK_POOL_MEAN};
    static const char *const levels[] = {"none", "centre", "zscore", "text", "full", NULL};
    static const char *const presets[] = {"tuned", "section9", NULL};
    int bad, pool = -1, level, preset = -1;
    *o = knowledge ? mask_match_defaults(knowledge) : MASK_MATCH_CALIBRATED;
    bad = args_choice(a, "--preset", presets, &preset);
    if (bad) return bad;
    if (preset >= 0) *o = preset == 1 ? MASK_MATCH_SECTION9 : MASK_MATCH_CALIBRATED;
    level = (int)o->calibrate;
    bad = args_choice(a, "--pool", pools, &pool);
    if (!bad) bad = args_choice(a, "--calibrate", levels, &level);
    if (!bad) bad = args_int(a, "--top", 1, 64, &o->top);
    if (!bad) bad = args_float(a, "--context", 0, 1e6, &o->context);
    if (!bad) bad = read_whole_region(a, o);
    if (!bad) bad = read_ood(a, o);
    if (!bad) bad = args_float(a, "--hub-image", 0, 1e6, &o->hub_image);
    if (!bad) bad = args_float(a, "--hub-text", 0, 1e6, &o->hub_text);
    if (!bad) bad = args_int(a, "--hub-neighbours", 0, 1000000, &o->hub_neighbours);
    if (!bad) bad = args_float(a, "--hub-image-sharpness", 0, 1e6, &o->hub_image_sharpness);
    if (!bad) bad = args_float(a, "--hub-text-sharpness", 0, 1e6, &o->hub_text_sharpness);
    if (!bad) bad = args_float(a, "--ood-company", 0, 1, &o->ood_company);
    if (!bad) bad = args_float(a, "--scene", 0, 1e6, &o->scene);
    if (!bad) bad = args_float(a, "--text-power", 0, 100, &o->text_power);
    if (!bad) bad = args_float(a, "--image-power", 0, 100, &o->image_power);
    if (!bad) bad = args_float(a, "--adjectives", 0, 1e6, &o->adjective);
    o->modifiers = args_text(a, "--modifiers", NULL);
    if (pool >= 0) o->pool = pool_of[pool];
    o->calibrate = (mask_calibrate)level;
    return bad;
}

int open_named_vectors(const args *a, const char *named, const char *hint, mask_vectors **vectors)
{
    mask_error err;
    char place[DATA_PATH];
    const char *given = args_text(a, "--vectors", NULL), *slash = strrchr(named, '/');
    if (mask_vectors_open(vectors, given ? given : named, NULL, &err) == MASK_OK) return 0;
    if (given) return failed(&err);
    if (access(named, F_OK) != 0 && find_data(slash ? slash + 1 : named, place))
        return mask_vectors_open(vectors, place, NULL, &err) == MASK_OK ? 0 : failed(&err);
    return fail("%s: the knowledge was learned with these vectors: pass --vectors FILE where they are now%s",
                err.message, hint);
}

int open_vectors(const args *a, const mask_knowledge *knowledge, const mask_match_options *options,
                 mask_vectors **vectors)
{
    mask_knowledge_info info;
    *vectors = NULL;
    if (options->ood == MASK_OOD_OFF) return 0;
    mask_knowledge_describe(knowledge, &info);
    return open_named_vectors(a, info.vectors_path, ", or --ood off to do without words it does not know", vectors);
}
