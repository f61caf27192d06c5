/* Conditions over images' metadata ("year > 2000 AND place = 'Rome'"): SQL that users write, later over HTTP, so it is
 * trusted with nothing. Before SQLite sees it, its parentheses must close and it must hold no comment, no second
 * statement. An authorizer then allows reading the view `image` and a list of plain functions, nothing else; a step
 * limit ends what would take long, and length limits what would take memory. The connection cannot write anyway. */
#include "gallery/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONDITION_BYTES = 1 << 16, VALUE_BYTES = 1 << 20, STEPS_PER_CALL = 1000 };
static const uint64_t base_steps = 10000000, steps_per_image = 1000;

static const char *const functions[] = {
    "abs",     "avg",   "coalesce", "count",  "date",     "datetime",  "glob",      "hex",       "ifnull",
    "iif",     "instr", "like",     "length", "lower",    "ltrim",     "max",       "min",       "nullif",
    "replace", "round", "rtrim",    "sign",   "strftime", "julianday", "substr",    "substring", "sum",
    "time",    "total", "trim",     "typeof", "upper",    "unicode",   "unixepoch",
};

static int authorize(void *context, int action, const char *first, const char *second, const char *database,
                     const char *inside)
{
    (void)context;
    (void)database;
    switch (action) {
    case SQLITE_SELECT:
        return SQLITE_OK;
    case SQLITE_READ:
        if (strcmp(first, "image") == 0) return SQLITE_OK;
        /* The table behind the view, as the view reads it; by its own name only how many rows it has, which SQLite asks
         * (without a column) for a count of the view's too. */
        if (strcmp(first, "item") == 0 && !*second) return SQLITE_OK;
        return inside && strcmp(inside, "image") == 0 ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_FUNCTION:
        for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
            if (sqlite3_stricmp(second, functions[i]) == 0) return SQLITE_OK;
        return SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

typedef struct steps {
    uint64_t done, limit;
} steps;

static int count_steps(void *context)
{
    steps *s = context;
    s->done += STEPS_PER_CALL;
    return s->done > s->limit;
}

static mask_status refuse(mask_error *err, const char *condition, const char *why)
{
    return mask__fail(err, MASK_EINVAL, MASK_NO_OFFSET, "condition '%.100s%s': %s", condition,
                      strlen(condition) > 100 ? "..." : "", why);
}

/* The end of a text or quoted name that begins at `at`; NULL when it has none. A doubled quote is two texts, which is
 * as good. */
static const char *after_quoted(const char *at)
{
    const char *end = strchr(at + 1, *at == '[' ? ']' : *at);
    return end ? end + 1 : NULL;
}

/* A condition must not reach out of the place it is put in. */
static mask_status check_shape(const char *condition, mask_error *err)
{
    size_t depth = 0;
    if (strlen(condition) > CONDITION_BYTES) return refuse(err, condition, "is longer than 65536 bytes");
    for (const char *at = condition; *at;) {
        if (strchr("'\"`[", *at)) {
            at = after_quoted(at);
            if (!at) return refuse(err, condition, "a quote is not closed");
            continue;
        }
        if (*at == ';') return refuse(err, condition, "';' is not allowed: write one condition");
        if ((at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*'))
            return refuse(err, condition, "comments are not allowed");
        if (strchr("?:@$#", *at)) return refuse(err, condition, "parameters are not allowed: write the values");
        if (*at == '(') depth++;
        if (*at == ')' && depth-- == 0) return refuse(err, condition, "closes a parenthesis that it did not open");
        at++;
    }
    return depth ? refuse(err, condition, "a parenthesis is not closed") : MASK_OK;
}

/* What SQLite says about a user's condition, as against a failure of the file. */
static mask_status explain(mask__catalogue *c, const char *condition, const steps *used, mask_error *err)
{
    char why[300];
    const char *text = sqlite3_errmsg(c->db);
    static const char limits[] = "may only compare columns of the images, with plain functions";
    switch (sqlite3_errcode(c->db) & 0xff) {
    case SQLITE_INTERRUPT:
        snprintf(why, sizeof why, "takes more than %llu steps: make it simpler", (unsigned long long)used->limit);
        return refuse(err, condition, why);
    case SQLITE_AUTH:
        return refuse(err, condition, limits);
    case SQLITE_TOOBIG:
        return refuse(err, condition, "makes a value that is too long");
    case SQLITE_ERROR:
        if (strstr(text, "not authorized")) return refuse(err, condition, limits);
        snprintf(why, sizeof why, "%.200s%s", text,
                 strstr(text, "no such column") ? " (texts stand in single quotes: place = 'Rome')" : "");
        for (char *at = why; *at; at++)
            if (*at == '\n') *at = ' ';
        return refuse(err, condition, why);
    default:
        return mask__database_fail(c, err);
    }
}

static mask_status mark(mask__catalogue *c, const mask__snapshot *snapshot, uint64_t place, uint64_t *const *allowed,
                        mask_error *err)
{
    const mask__snapshot_segment *segment = mask__snapshot_segment_of(snapshot, place >> 32);
    size_t position = (size_t)(place & UINT32_MAX);
    if (!segment || position >= segment->images) return mask__database_damaged(c, err, "an image lies in no segment");
    allowed[segment - snapshot->segments][position / 64] |= UINT64_C(1) << position % 64;
    return MASK_OK;
}

static mask_status select_places(mask__catalogue *c, const mask__snapshot *snapshot, const char *condition,
                                 const char *sql, uint64_t *const *allowed, const steps *used, mask_error *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(c->db, sql, -1, &s, NULL) != SQLITE_OK) return explain(c, condition, used, err);
    mask_status status = MASK_OK;
    int code = SQLITE_DONE;
    while (status == MASK_OK && (code = sqlite3_step(s)) == SQLITE_ROW)
        status = mark(c, snapshot, (uint64_t)sqlite3_column_int64(s, 0), allowed, err);
    if (status == MASK_OK && code != SQLITE_DONE) status = explain(c, condition, used, err);
    sqlite3_finalize(s);
    return status;
}

static mask_status evaluate(mask__catalogue *c, const mask__snapshot *snapshot, const char *condition,
                            uint64_t *const *allowed, mask_error *err)
{
    uint64_t generation;
    char *sql;
    MASK__TRY(mask__database_generation(c, &generation, err));
    if (generation != snapshot->generation)
        return mask__fail(err, MASK_EMISMATCH, MASK_NO_OFFSET,
                          "%s: the gallery was changed since it was opened: open it again to use a condition",
                          c->folder);
    if (asprintf(&sql, "SELECT mask_row FROM image WHERE (\n%s\n)", condition) < 0)
        return mask__no_memory(err, condition);
    steps used = {.limit = base_steps + steps_per_image * snapshot->images};
    int length = sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH, VALUE_BYTES);
    int pattern = sqlite3_limit(c->db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256);
    int depth = sqlite3_limit(c->db, SQLITE_LIMIT_EXPR_DEPTH, 200);
    sqlite3_set_authorizer(c->db, authorize, NULL);
    sqlite3_progress_handler(c->db, STEPS_PER_CALL, count_steps, &used);
    mask_status status = select_places(c, snapshot, condition, sql, allowed, &used, err);
    sqlite3_progress_handler(c->db, 0, NULL, NULL);
    sqlite3_set_authorizer(c->db, NULL, NULL);
    sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH, length);
    sqlite3_limit(c->db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, pattern);
    sqlite3_limit(c->db, SQLITE_LIMIT_EXPR_DEPTH, depth);
    free(sql);
    return status;
}

mask_status mask__catalogue_where(mask__catalogue *c, const mask__snapshot *snapshot, const char *condition,
                                  uint64_t *const *allowed, mask_error *err)
{
    MASK__TRY(check_shape(condition, err));
    pthread_mutex_lock(&c->mutex);
    mask_status status = mask__database_begin(c, err);
    if (status == MASK_OK) status = evaluate(c, snapshot, condition, allowed, err);
    mask__database_end(c);
    pthread_mutex_unlock(&c->mutex);
    return status;
}
