/* Conditions over images' metadata ("year > 2000 AND place = 'Rome'"): SQL that users write, later over HTTP, so it is
 * trusted with nothing. Before SQLite sees it, its parentheses must close and it must hold no comment, no second
 * statement. An authorizer then allows reading the view `image` and a list of pure functions, nothing else. The
 * connection cannot write anyway.
 *
 * SQLite asks whether to go on only between the steps of its program, so no step may take long: values are short, and
 * the condition names few functions (the work of instr, replace and LIKE is the product of two lengths). Between the
 * steps limits of their number, of time and of memory hold, and the caller's run may stop it. */
#include "gallery/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CONDITION_BYTES = 1 << 16, VALUE_BYTES = 1 << 15, FUNCTIONS = 100, STEPS_PER_CALL = 100, SECONDS = 30 };
static const uint64_t base_steps = 10000000, steps_per_image = 1000;
static const int64_t most_memory = (int64_t)1 << 30;
static const double seconds_between_progress = 0.05;

static const char *const functions[] = {
    "abs",     "avg",   "coalesce", "count",  "date",     "datetime",  "glob",      "hex",       "ifnull",
    "iif",     "instr", "like",     "length", "lower",    "ltrim",     "max",       "min",       "nullif",
    "replace", "round", "rtrim",    "sign",   "strftime", "julianday", "substr",    "substring", "sum",
    "time",    "total", "trim",     "typeof", "upper",    "unicode",   "unixepoch",
};

typedef struct evaluation {
    uint64_t steps, limit;
    size_t functions;
    int64_t memory;      /* that SQLite had at the beginning */
    double began, asked; /* seconds */
    const mask_run *run;
    const char *why; /* it was stopped; NULL = it was not, or by the run, whose error is in `err` */
    mask_status status;
    mask_error *err;
} evaluation;

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool is_allowed(const char *function)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (sqlite3_stricmp(function, functions[i]) == 0) return true;
    return false;
}

static int authorize(void *context, int action, const char *first, const char *second, const char *database,
                     const char *inside)
{
    evaluation *e = context;
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
        if (!is_allowed(second)) return SQLITE_DENY;
        /* The view itself calls two for each image's size. */
        if (!inside && ++e->functions > FUNCTIONS) e->why = "uses more than 100 functions (LIKE and GLOB count)";
        return e->why ? SQLITE_DENY : SQLITE_OK;
    default:
        return SQLITE_DENY;
    }
}

static int go_on(void *context)
{
    evaluation *e = context;
    double now = seconds_now();
    e->steps += STEPS_PER_CALL;
    if (e->steps > e->limit) e->why = "takes too many steps: make it simpler";
    else if (now - e->began > SECONDS) e->why = "takes more than 30 seconds: make it simpler";
    else if (sqlite3_memory_used() - e->memory > most_memory) e->why = "takes more than 1 GiB: make it simpler";
    else if (now - e->asked > seconds_between_progress) {
        e->asked = now;
        e->status = mask__progress(e->run, "condition", "steps", e->steps, e->limit, e->err);
    }
    return e->why || e->status != MASK_OK;
}

/* The characters to trim are a list that SQLite searches for each character of the text: slow where both are long. */
static void trim_of_two(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    (void)values;
    sqlite3_result_error(context, "trim, ltrim and rtrim take one value here", -1);
}

static mask_status refuse(mask_error *err, const char *condition, const char *why)
{
    return mask__fail(err, MASK_EINVAL, "condition '%.100s%s': %s", condition, strlen(condition) > 100 ? "..." : "",
                      why);
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
static mask_status explain(mask__catalogue *c, const char *condition, const evaluation *e, mask_error *err)
{
    char why[300];
    const char *text = sqlite3_errmsg(c->db);
    static const char limits[] = "may only compare columns of the images, with plain functions";
    if (e->status != MASK_OK) return e->status;
    if (e->why) return refuse(err, condition, e->why);
    switch (sqlite3_errcode(c->db) & 0xff) {
    case SQLITE_AUTH:
        return refuse(err, condition, limits);
    case SQLITE_TOOBIG:
        return refuse(err, condition, "reads or makes a value of more than 32768 bytes, which is too long");
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
                                 const char *sql, uint64_t *const *allowed, const evaluation *e, mask_error *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(c->db, sql, -1, &s, NULL) != SQLITE_OK) return explain(c, condition, e, err);
    mask_status status = MASK_OK;
    int code = SQLITE_DONE;
    while (status == MASK_OK && (code = sqlite3_step(s)) == SQLITE_ROW)
        status = mark(c, snapshot, (uint64_t)sqlite3_column_int64(s, 0), allowed, err);
    if (status == MASK_OK && code != SQLITE_DONE) status = explain(c, condition, e, err);
    sqlite3_finalize(s);
    return status;
}

static const char *const trims[] = {"trim", "ltrim", "rtrim"};

/* The connection as conditions may use it; `e` NULL: as it was. */
static void restrict_connection(mask__catalogue *c, evaluation *e, int limits[3])
{
    static const int which[] = {SQLITE_LIMIT_LENGTH, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, SQLITE_LIMIT_EXPR_DEPTH};
    for (int i = 0; i < 3; i++) limits[i] = sqlite3_limit(c->db, which[i], limits[i]);
    sqlite3_set_authorizer(c->db, e ? authorize : NULL, e);
    sqlite3_progress_handler(c->db, e ? STEPS_PER_CALL : 0, e ? go_on : NULL, e);
}

static mask_status evaluate(mask__catalogue *c, const mask__snapshot *snapshot, const char *condition,
                            uint64_t *const *allowed, const mask_run *run, mask_error *err)
{
    uint64_t generation;
    char *sql;
    int limits[] = {VALUE_BYTES, 256, 200};
    double now = seconds_now();
    evaluation e = {.limit = base_steps + steps_per_image * snapshot->images,
                    .memory = sqlite3_memory_used(),
                    .began = now,
                    .asked = now,
                    .run = run,
                    .err = err};
    MASK__TRY(mask__database_generation(c, &generation, err));
    if (generation != snapshot->generation)
        return mask__fail(
            err, MASK_EMISMATCH,
            "%s: the gallery was changed since it was opened: refresh it, or open it again, to use a condition",
            c->folder);
    for (size_t i = 0; i < sizeof trims / sizeof *trims; i++)
        if (sqlite3_create_function(c->db, trims[i], 2, SQLITE_UTF8, NULL, trim_of_two, NULL, NULL) != SQLITE_OK)
            return mask__database_fail(c, err);
    if (asprintf(&sql, "SELECT mask_row FROM image WHERE (\n%s\n)", condition) < 0)
        return mask__no_memory(err, condition);
    restrict_connection(c, &e, limits);
    mask_status status = select_places(c, snapshot, condition, sql, allowed, &e, err);
    restrict_connection(c, NULL, limits);
    free(sql);
    return status;
}

/* Another thread's condition may take its time: waits, but asks the run. */
static mask_status wait_for_turn(mask__catalogue *c, const mask_run *run, mask_error *err)
{
    for (;;) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 50000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (pthread_mutex_timedlock(&c->mutex, &until) == 0) return MASK_OK;
        MASK__TRY(mask__progress(run, "condition", "steps", 0, 0, err));
    }
}

mask_status mask__catalogue_where(mask__catalogue *c, const mask__snapshot *snapshot, const char *condition,
                                  uint64_t *const *allowed, const mask_run *run, mask_error *err)
{
    MASK__TRY(check_shape(condition, err));
    MASK__TRY(wait_for_turn(c, run, err));
    mask_status status = mask__database_begin(c, err);
    if (status == MASK_OK) status = evaluate(c, snapshot, condition, allowed, run, err);
    mask__database_end(c);
    pthread_mutex_unlock(&c->mutex);
    return status;
}
