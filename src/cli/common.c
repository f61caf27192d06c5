/* What the commands share: failures, JSON, files that come with mask, matching options, word vectors. */
#include "commands.h"

#include <dirent.h>
#include <stdarg.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

int fail(const char *format, ...)
{
    va_list list;
    fprintf(stderr, "mask: ");
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, "\n");
    return EXIT_FAILED;
}

int failed(const mask_error *err)
{
    const char *more = advice(err->message);
    return more ? fail("%s (%s)", err->message, more) : fail("%s", err->message);
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

int find_file(const char *given, const char *usual, const char *hint, char path[DATA_PATH])
{
    if (given && *given)
        return snprintf(path, DATA_PATH, "%s", given) < DATA_PATH ? 0 : fail("%.60s...: too long", given);
    return find_data(usual, path) ? 0 : fail("%s is not beside the program: %s", usual, hint);
}

int find_encoder(const args *a, char path[DATA_PATH])
{
    return find_file(args_text(a, "--encoder", getenv("MASK_ENCODER")), ENCODER,
                     "build it again, or name one with --encoder FILE.menc", path);
}

int print_json(json_t *object)
{
    int bad = json_dumpf(object, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) != 0 || putchar('\n') == EOF;
    json_decref(object);
    return bad ? fail("cannot write the result to stdout") : 0;
}

bool print_json_line(json_t *object)
{
    bool good = object && json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0;
    json_decref(object);
    return good && putchar('\n') != EOF;
}

json_t *box_json(const float box[4])
{
    return json_pack("[f,f,f,f]", (double)box[0], (double)box[1], (double)box[2], (double)box[3]);
}

json_t *neighbours_json(const mask_word *word)
{
    json_t *out = json_array();
    for (size_t i = 0; i < word->neighbour_count; i++)
        json_array_append_new(out, json_pack("{s:s, s:f, s:f}", "word", word->neighbours[i].word, "cosine",
                                             (double)word->neighbours[i].cosine, "weight",
                                             (double)word->neighbours[i].weight));
    return out;
}

json_t *recall_json(const mask_recall *r)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:I, s:[f,f,f], s:[f,f,f]}", "r1", r->r1, "r5", r->r5, "r10", r->r10,
                     "medr", r->medr, "meanr", r->meanr, "queries", (json_int_t)r->queries, "low", r->low[0], r->low[1],
                     r->low[2], "high", r->high[0], r->high[1], r->high[2]);
}

json_t *run_json(const args *a)
{
    json_t *run = json_object(), *words = json_array();
    json_array_append_new(words, json_string("mask"));
    for (int i = 0; i < a->word_count; i++) json_array_append_new(words, json_string(a->words[i]));
    json_object_set_new(run, "version", json_string(mask_version()));
    json_object_set_new(run, "command", words);
    json_object_set_new(run, "threads", json_integer(a->run.threads));
    json_object_set_new(run, "seed", json_integer((json_int_t)a->run.seed));
    json_object_set_new(run, "inputs", json_object());
    return run;
}

/* Adds a file's content; false = it is not a regular file, or cannot be read. */
static bool hash_file(XXH3_state_t *state, const char *path, uint64_t *bytes)
{
    static unsigned char block[1 << 16];
    struct stat info;
    size_t got;
    FILE *file = stat(path, &info) == 0 && S_ISREG(info.st_mode) ? fopen(path, "rb") : NULL;
    if (!file) return false;
    while ((got = fread(block, 1, sizeof block, file)) > 0) {
        XXH3_128bits_update(state, block, got);
        *bytes += got;
    }
    bool good = !ferror(file);
    fclose(file);
    return good;
}

/* A folder's files whose names begin with `start`, in the order of their names; how many. */
static size_t hash_folder(XXH3_state_t *state, const char *folder, const char *start, uint64_t *bytes)
{
    struct dirent **names;
    size_t files = 0;
    int count = scandir(folder, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char path[DATA_PATH];
        if (strncmp(names[i]->d_name, start, strlen(start)) == 0 &&
            snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name) < DATA_PATH)
            files += hash_file(state, path, bytes);
        free(names[i]);
    }
    if (count >= 0) free(names);
    return files;
}

void add_input(json_t *run, const char *name, const char *path, const char *start)
{
    char place[DATA_PATH], text[2 * sizeof(XXH128_canonical_t) + 1];
    uint64_t bytes = 0;
    XXH128_canonical_t canonical;
    XXH3_state_t *state = path ? XXH3_createState() : NULL;
    if (!state) return;
    XXH3_128bits_reset(state);
    bool file = hash_file(state, path, &bytes);
    size_t files = file ? 1 : hash_folder(state, path, start, &bytes);
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    XXH3_freeState(state);
    for (size_t i = 0; i < sizeof canonical.digest; i++) snprintf(text + 2 * i, 3, "%02x", canonical.digest[i]);
    snprintf(place, sizeof place, file || !files ? "%s" : "%s/%s*", path, start);
    json_t *input = json_pack("{s:s, s:I}", "path", place, "bytes", (json_int_t)bytes);
    json_object_set_new(input, "xxh128",
                        files ? json_string(text) : json_null()); /* of a pipe nothing is left to read */
    json_object_set_new(json_object_get(run, "inputs"), name, input);
}

bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a > b && strcmp(text + a - b, end) == 0;
}

/* --ood is one flag for two options. */
static int read_ood(const args *a, mask_match_options *o)
{
    const char *text = args_text(a, "--ood", NULL);
    if (!text) return 0;
    o->ood = strcmp(text, "off") == 0          ? MASK_OOD_OFF
             : strcmp(text, "procrustes") == 0 ? MASK_OOD_PROCRUSTES
                                               : MASK_OOD_NEIGHBOURS;
    size_t neighbours = (size_t)o->ood_neighbours;
    int bad = o->ood == MASK_OOD_NEIGHBOURS ? args_size(a, "--ood", 1, 1000000, &neighbours) : 0;
    o->ood_neighbours = (int)neighbours;
    return bad;
}

int read_match_options(const args *a, mask_match_options *o)
{
    *o = a->knowledge ? mask_match_defaults(a->knowledge) : mask_match_tuned();
    int bad = args_preset(a, MASK_OPTIONS_MATCH, o, sizeof *o);
    return bad ? bad : read_ood(a, o);
}

const char *option_text(mask_options_kind kind, const void *options, const char *name, char text[OPTION_TEXT])
{
    mask_error err;
    mask_option_get(kind, options, name, text, OPTION_TEXT, &err);
    return text;
}

json_t *options_json(mask_options_kind kind, const void *options)
{
    size_t count;
    const mask_option *rows = mask_options_list(kind, &count);
    json_t *out = json_object();
    for (size_t i = 0; i < count; i++) {
        char text[OPTION_TEXT], *end;
        if (!rows[i].kept) continue;
        option_text(kind, options, rows[i].name, text);
        double number = strtod(text, &end);
        json_t *value = rows[i].type == MASK_OPTION_SWITCH ? json_boolean(strcmp(text, "on") == 0)
                        : *text && !*end
                            ? rows[i].type == MASK_OPTION_REAL ? json_real(number) : json_integer((json_int_t)number)
                            : json_string(text);
        json_object_set_new(out, rows[i].name, value);
    }
    return out;
}

int open_knowledge(args *a, const char *path)
{
    return mask_knowledge_open(&a->knowledge, path, &a->run, &a->err) == MASK_OK ? 0 : failed(&a->err);
}

int open_images(args *a, const char *path)
{
    const char *split = args_text(a, "--split", NULL);
    return mask_images_open(&a->images, path, split, &a->run, &a->err) == MASK_OK ? 0 : failed(&a->err);
}

int open_texts(args *a, const char *path)
{
    const char *split = args_text(a, "--split", NULL);
    return mask_texts_open(&a->texts, path, split, &a->run, &a->err) == MASK_OK ? 0 : failed(&a->err);
}

int open_dataset(args *a, const char *path)
{
    const char *split = args_text(a, "--split", NULL), *captions = args_text(a, "--captions", NULL);
    mask_status status = mask_dataset_open(&a->images, &a->texts, path, split, captions, &a->run, &a->err);
    return status == MASK_OK ? 0 : failed(&a->err);
}

int open_gallery(args *a, const char *path)
{
    return mask_gallery_open(&a->gallery, path, &a->run, &a->err) == MASK_OK ? 0 : failed(&a->err);
}

/* Word vectors: --vectors, or the file `named`, or one of that name that comes with mask. hint ends the message when
 * there is none. */
static int open_named_vectors(args *a, const char *named, const char *hint)
{
    char place[DATA_PATH];
    const char *given = args_text(a, "--vectors", NULL), *slash = strrchr(named, '/');
    if (mask_vectors_open(&a->vectors, given ? given : named, &a->run, &a->err) == MASK_OK) return 0;
    if (given) return failed(&a->err);
    if (access(named, F_OK) != 0 && find_data(slash ? slash + 1 : named, place))
        return mask_vectors_open(&a->vectors, place, &a->run, &a->err) == MASK_OK ? 0 : failed(&a->err);
    return fail("%s: the knowledge was learned with these vectors: pass --vectors FILE where they are now%s",
                a->err.message, hint);
}

int open_vectors(args *a, const mask_match_options *options)
{
    mask_knowledge_info info;
    if (options->ood == MASK_OOD_OFF) return 0;
    mask_knowledge_describe(a->knowledge, &info);
    return open_named_vectors(a, info.vectors_path, ", or --ood off to do without words it does not know");
}

int open_gallery_vectors(args *a)
{
    mask_gallery_info info;
    mask_gallery_describe(a->gallery, &info);
    return info.options.ood == MASK_OOD_OFF ? 0 : open_named_vectors(a, info.vectors_path, "");
}

int open_matcher(args *a, const mask_match_options *options)
{
    int bad = open_vectors(a, options);
    if (bad) return bad;
    return mask_matcher_open(&a->matcher, a->knowledge, a->vectors, options, &a->run, &a->err) == MASK_OK
               ? 0
               : failed(&a->err);
}

void close_all(args *a)
{
    mask_matcher_close(a->matcher);
    mask_gallery_close(a->gallery);
    mask_texts_close(a->texts);
    mask_images_close(a->images);
    mask_vectors_close(a->vectors);
    mask_knowledge_close(a->knowledge);
}
