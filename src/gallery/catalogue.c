/* What writers do to the catalogue, statement by statement, between begin and commit; and what is fixed when a gallery
 * is made. Segments are files; everything about an image is a row of `item`: its place, and its metadata, which stay
 * when it is replaced or moved. */
#include "gallery/database.h"
#include "base/sqlfile.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum statement {
    SET_STATE,
    COUNT_GENERATION,
    NEXT_SEGMENT,
    ADD_SEGMENT,
    DROP_SEGMENT,
    REPLACE,
    INSERT,
    DELETE,
    GET,
    MOVE,
    HAS_SEGMENT,
    STATEMENT_END
};
_Static_assert((int)STATEMENT_END <= (int)MASK__STATEMENTS, "room for every statement");

static const char *const sql[STATEMENT_END] = {
    [SET_STATE] =
        "INSERT INTO state(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
    [COUNT_GENERATION] = "UPDATE state SET value = value + 1 WHERE name = 'generation'",
    [NEXT_SEGMENT] = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'segment'), 0) + 1",
    [ADD_SEGMENT] = "INSERT INTO segment(number, images) VALUES(?1, ?2)",
    [DROP_SEGMENT] = "DELETE FROM segment WHERE number = ?1",
    [REPLACE] = "UPDATE item SET place = ?2, name = ?3, width = ?4, height = ?5, content = ?6, sum = ?7 WHERE id = ?1",
    [INSERT] = "INSERT INTO item(id, place, name, width, height, content, sum) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [DELETE] = "DELETE FROM item WHERE id = ?1",
    [GET] = "SELECT name, width, height, content FROM item WHERE id = ?1",
    [MOVE] = "UPDATE item SET place = ?2, sum = ?3 WHERE id = ?1",
    [HAS_SEGMENT] = "SELECT 1 FROM segment WHERE number = ?1",
};

static mask_status use(mask__catalogue *c, enum statement which, sqlite3_stmt **out, mask_error *err)
{
    sqlite3_stmt **kept = &c->statements[which];
    *out = NULL;
    if (!*kept && sqlite3_prepare_v3(c->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, kept, NULL) != SQLITE_OK)
        return mask__database_fail(c, err);
    sqlite3_clear_bindings(*kept);
    *out = *kept;
    return MASK_OK;
}

static mask_status run_with_number(mask__catalogue *c, enum statement which, int64_t a, int64_t b, mask_error *err)
{
    sqlite3_stmt *s;
    MASK__TRY(use(c, which, &s, err));
    sqlite3_bind_int64(s, 1, a);
    if (sqlite3_bind_parameter_count(s) > 1) sqlite3_bind_int64(s, 2, b);
    return mask__database_do(c, s, err);
}

/* A statement about one id. */
static mask_status use_id(mask__catalogue *c, enum statement which, const char *id, sqlite3_stmt **out, mask_error *err)
{
    MASK__TRY(use(c, which, out, err));
    return sqlite3_bind_text(*out, 1, id, -1, SQLITE_STATIC) == SQLITE_OK ? MASK_OK : mask__database_fail(c, err);
}

/* ---- What is fixed when a gallery is made ---- */

enum kind { INT, FLOAT, U64 };

static const char resolved_name[] = "resolved_whole_region";

static const struct setting {
    const char *name;
    enum kind kind;
    size_t offset;
} settings_table[] = {
#define OPTION(kind, name)                                                                                             \
    {                                                                                                                  \
#name, kind, offsetof(mask__catalogue_settings, options.name)                                                  \
    }
    OPTION(INT, pool),
    OPTION(INT, top),
    OPTION(FLOAT, context),
    OPTION(INT, whole_region),
    OPTION(INT, ood),
    OPTION(INT, ood_neighbours),
    OPTION(FLOAT, ood_temperature),
    OPTION(FLOAT, ood_weight),
    OPTION(FLOAT, ood_company),
    OPTION(FLOAT, scene),
    OPTION(INT, calibrate),
    OPTION(FLOAT, text_power),
    OPTION(FLOAT, image_power),
    OPTION(FLOAT, hub_image),
    OPTION(FLOAT, hub_text),
    OPTION(INT, hub_neighbours),
    OPTION(FLOAT, hub_image_sharpness),
    OPTION(FLOAT, hub_text_sharpness),
#undef OPTION
    {resolved_name, INT, offsetof(mask__catalogue_settings, whole_region)},
    {"budget", U64, offsetof(mask__catalogue_settings, budget)},
    {"segment_images", U64, offsetof(mask__catalogue_settings, segment_images)},
};
_Static_assert(sizeof(mask_match_options) == 20 * sizeof(int) + sizeof(char *), "an option more must be kept here too");
enum { SETTINGS = sizeof settings_table / sizeof *settings_table };
_Static_assert(sizeof(mask_pool) == sizeof(int) && sizeof(mask_ood) == sizeof(int) &&
                   sizeof(mask_calibrate) == sizeof(int),
               "enums are kept as int");

static mask_status set_state(mask__catalogue *c, const char *name, enum kind kind, const void *value, mask_error *err)
{
    sqlite3_stmt *s;
    int number;
    float real;
    uint64_t large;
    MASK__TRY(use_id(c, SET_STATE, name, &s, err));
    if (kind == U64) {
        memcpy(&large, value, sizeof large);
        sqlite3_bind_int64(s, 2, (int64_t)large);
    } else if (kind == INT) {
        memcpy(&number, value, sizeof number);
        sqlite3_bind_int(s, 2, number);
    } else {
        memcpy(&real, value, sizeof real);
        sqlite3_bind_double(s, 2, (double)real);
    }
    return mask__database_do(c, s, err);
}

static mask_status fill(mask__catalogue *c, const void *context, mask_error *err)
{
    const uint64_t first = 1;
    MASK__TRY(set_state(c, "generation", U64, &first, err));
    for (size_t i = 0; i < SETTINGS; i++)
        MASK__TRY(set_state(c, settings_table[i].name, settings_table[i].kind,
                            (const char *)context + settings_table[i].offset, err));
    return MASK_OK;
}

mask_status mask__catalogue_create(const char *folder, const mask__catalogue_settings *settings, mask_error *err)
{
    return mask__database_create(folder, fill, settings, err);
}

/* False for a value that no gallery has. */
static bool take_setting(sqlite3_stmt *row, const struct setting *setting, void *value)
{
    int64_t whole = sqlite3_column_int64(row, 1);
    int number = (int)whole;
    float real = (float)sqlite3_column_double(row, 1);
    switch (setting->kind) {
    case INT:
        memcpy(value, &number, sizeof number);
        return whole >= INT_MIN && whole <= INT_MAX;
    case FLOAT:
        memcpy(value, &real, sizeof real);
        return real >= -1 && real <= 1e9f;
    case U64:
        memcpy(value, &whole, sizeof whole);
        return whole >= 0;
    }
    return false;
}

static bool sane(const mask__catalogue_settings *s)
{
    const mask_match_options *o = &s->options;
    return (int)o->pool >= 0 && o->pool <= MASK_POOL_MEAN && (int)o->ood >= 0 && o->ood <= MASK_OOD_PROCRUSTES &&
           (int)o->calibrate >= 0 && o->calibrate <= MASK_CALIBRATE_FULL && o->whole_region >= MASK_WHOLE_AUTO &&
           s->whole_region >= MASK_WHOLE_AUTO && s->segment_images <= MASK__SEGMENT_IMAGES_MAX;
}

mask_status mask__catalogue_settings_read(mask__catalogue *c, mask__catalogue_settings *out, mask_error *err)
{
    sqlite3_stmt *s;
    bool row;
    size_t found = 0;
    *out = (mask__catalogue_settings){0};
    pthread_mutex_lock(&c->mutex);
    mask__sql_bound(c->db, c->path);
    mask_status status = mask__database_prepare(c, &s, "SELECT name, value FROM state", err);
    while (status == MASK_OK && (status = mask__database_step(c, s, &row, err)) == MASK_OK && row) {
        const char *name = (const char *)sqlite3_column_text(s, 0);
        for (size_t i = 0; name && i < SETTINGS; i++)
            if (strcmp(name, settings_table[i].name) == 0)
                found += take_setting(s, &settings_table[i], (char *)out + settings_table[i].offset);
    }
    sqlite3_finalize(s);
    mask__sql_unbound(c->db);
    pthread_mutex_unlock(&c->mutex);
    if (status == MASK_OK && (found != SETTINGS || !sane(out)))
        return mask__database_damaged(c, err, "an option of the index is missing or out of its range");
    return status;
}

const char *mask__catalogue_settings_differ(const mask__catalogue_settings *a, const mask__catalogue_settings *b)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        const struct setting *s = &settings_table[i];
        size_t bytes = s->kind == U64 ? sizeof(uint64_t) : sizeof(int);
        if (s->name != resolved_name && memcmp((const char *)a + s->offset, (const char *)b + s->offset, bytes) != 0)
            return s->name;
    }
    return NULL;
}

mask_status mask__catalogue_set_whole_region(mask__catalogue *c, int whole_region, mask_error *err)
{
    return set_state(c, resolved_name, INT, &whole_region, err);
}

/* ---- Transactions ---- */

mask_status mask__catalogue_begin(mask__catalogue *c, mask_error *err)
{
    return mask__database_run(c, "BEGIN IMMEDIATE", err);
}

mask_status mask__catalogue_commit(mask__catalogue *c, mask_error *err)
{
    sqlite3_stmt *s;
    mask_status status = use(c, COUNT_GENERATION, &s, err);
    if (status == MASK_OK) status = mask__database_do(c, s, err);
    if (status == MASK_OK) status = mask__database_run(c, "COMMIT", err);
    if (status != MASK_OK) mask__catalogue_rollback(c);
    return status;
}

void mask__catalogue_rollback(mask__catalogue *c)
{
    mask__database_end(c);
}

/* ---- Segments ---- */

void mask__segment_name(uint64_t segment, char name[MASK__SEGMENT_NAME_BYTES])
{
    snprintf(name, MASK__SEGMENT_NAME_BYTES, "%08llu.segment", (unsigned long long)segment);
}

mask_status mask__catalogue_next_segment(mask__catalogue *c, uint64_t *segment, mask_error *err)
{
    sqlite3_stmt *s;
    bool row;
    MASK__TRY(use(c, NEXT_SEGMENT, &s, err));
    mask_status status = mask__database_step(c, s, &row, err);
    int64_t number = row ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_reset(s);
    if (status != MASK_OK) return status;
    if (number < 1 || number > INT32_MAX) return mask__database_damaged(c, err, "it has no number for another segment");
    *segment = (uint64_t)number;
    return MASK_OK;
}

mask_status mask__catalogue_add_segment(mask__catalogue *c, uint64_t segment, size_t images, mask_error *err)
{
    return run_with_number(c, ADD_SEGMENT, (int64_t)segment, (int64_t)images, err);
}

mask_status mask__catalogue_drop_segment(mask__catalogue *c, uint64_t segment, mask_error *err)
{
    return run_with_number(c, DROP_SEGMENT, (int64_t)segment, 0, err);
}

/* What a writer that was killed may have left; anything else in the folder is somebody's. */
static bool is_leftover(mask__catalogue *c, const char *name, mask_status *status, mask_error *err)
{
    sqlite3_stmt *s;
    bool row = true;
    char right[MASK__SEGMENT_NAME_BYTES];
    if (strstr(name, ".segment.tmp-") || strncmp(name, "scorer.mask.", 12) == 0 ||
        strncmp(name, "knowledge.mask.", 15) == 0 || strncmp(name, "catalogue.sqlite.new", 20) == 0)
        return true;
    unsigned long long number = strtoull(name, NULL, 10);
    mask__segment_name(number, right);
    if (strcmp(name, right) != 0) return false;
    *status = use(c, HAS_SEGMENT, &s, err);
    if (*status != MASK_OK) return false;
    sqlite3_bind_int64(s, 1, (int64_t)number);
    *status = mask__database_step(c, s, &row, err);
    sqlite3_reset(s);
    return *status == MASK_OK && !row;
}

/* Removes segments that the catalogue does not name and other leftovers of writers that were killed. */
static mask_status sweep(mask__catalogue *c, mask_error *err)
{
    struct dirent *entry;
    mask_status status = MASK_OK;
    DIR *folder = opendir(c->folder);
    if (!folder) return mask__fail(err, MASK_EIO, MASK_NO_OFFSET, "%s: cannot list: %s", c->folder, strerror(errno));
    while (status == MASK_OK && (entry = readdir(folder)))
        if (is_leftover(c, entry->d_name, &status, err)) unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    return status;
}

mask_status mask__catalogue_open(mask__catalogue **out, const char *folder, bool write, mask_error *err)
{
    MASK__TRY(mask__database_open(out, folder, write, err));
    mask_status status = write ? sweep(*out, err) : MASK_OK;
    if (status == MASK_OK) return MASK_OK;
    mask__catalogue_close(*out);
    *out = NULL;
    return status;
}

/* ---- Images ---- */

uint64_t mask__database_row_sum(uint64_t place, const mask__catalogue_image *image)
{
    const uint64_t numbers[] = {place, image->width, image->height, image->content, image->name != NULL};
    uint64_t sum = XXH3_64bits(numbers, sizeof numbers);
    sum = XXH3_64bits_withSeed(image->id, strlen(image->id), sum);
    return image->name ? XXH3_64bits_withSeed(image->name, strlen(image->name), sum) : sum;
}

static mask_status write_image(mask__catalogue *c, enum statement which, uint64_t place,
                               const mask__catalogue_image *image, mask_error *err)
{
    sqlite3_stmt *s;
    MASK__TRY(use_id(c, which, image->id, &s, err));
    sqlite3_bind_int64(s, 2, (int64_t)place);
    if (image->name && sqlite3_bind_text(s, 3, image->name, -1, SQLITE_STATIC) != SQLITE_OK)
        return mask__database_fail(c, err);
    sqlite3_bind_int64(s, 4, image->width);
    sqlite3_bind_int64(s, 5, image->height);
    sqlite3_bind_int64(s, 6, (int64_t)image->content);
    sqlite3_bind_int64(s, 7, (int64_t)mask__database_row_sum(place, image));
    return mask__database_do(c, s, err);
}

mask_status mask__catalogue_put(mask__catalogue *c, uint64_t segment, size_t position,
                                const mask__catalogue_image *image, bool *replaced, mask_error *err)
{
    uint64_t place = mask__place(segment, position);
    MASK__TRY(write_image(c, REPLACE, place, image, err));
    *replaced = sqlite3_changes(c->db) > 0;
    return *replaced ? MASK_OK : write_image(c, INSERT, place, image, err);
}

mask_status mask__catalogue_move(mask__catalogue *c, const char *id, uint64_t segment, size_t position, mask_error *err)
{
    sqlite3_stmt *get, *move;
    bool row;
    uint64_t place = mask__place(segment, position);
    MASK__TRY(use_id(c, GET, id, &get, err));
    MASK__TRY(use_id(c, MOVE, id, &move, err));
    mask_status status = mask__database_step(c, get, &row, err);
    if (status == MASK_OK && row) {
        mask__catalogue_image image = {.id = id,
                                       .name = (const char *)sqlite3_column_text(get, 0),
                                       .width = (uint32_t)sqlite3_column_int64(get, 1),
                                       .height = (uint32_t)sqlite3_column_int64(get, 2),
                                       .content = (uint64_t)sqlite3_column_int64(get, 3)};
        uint64_t sum = mask__database_row_sum(place, &image);
        sqlite3_reset(get);
        sqlite3_bind_int64(move, 2, (int64_t)place);
        sqlite3_bind_int64(move, 3, (int64_t)sum);
        status = mask__database_do(c, move, err);
    }
    sqlite3_reset(get);
    return status;
}

mask_status mask__catalogue_remove(mask__catalogue *c, const char *id, bool *found, mask_error *err)
{
    sqlite3_stmt *s;
    MASK__TRY(use_id(c, DELETE, id, &s, err));
    MASK__TRY(mask__database_do(c, s, err));
    *found = sqlite3_changes(c->db) > 0;
    return MASK_OK;
}

mask_status mask__catalogue_content(mask__catalogue *c, const char *id, uint64_t *content, bool *found, mask_error *err)
{
    sqlite3_stmt *s;
    MASK__TRY(use_id(c, GET, id, &s, err));
    mask_status status = mask__database_step(c, s, found, err);
    *content = *found ? (uint64_t)sqlite3_column_int64(s, 3) : 0;
    sqlite3_reset(s);
    return status;
}
