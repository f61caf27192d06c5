/* What writers do to the catalogue, statement by statement, between begin and commit; and what is fixed when a gallery
 * is made. Segments are files; everything about an image is a row of `item`: its place, and its metadata, which stay
 * when it is replaced or moved. */
#include "gallery/database.h"
#include "base/options.h"
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

static const char resolved_name[] = "resolved_whole_region", match_name[] = "options.match",
                  gallery_name[] = "options.gallery", own_name[] = "own", own_images_name[] = "own_images",
                  own_changes_name[] = "own_changes";

static mask_status set_number(mask__catalogue *c, const char *name, int64_t number, mask_error *err)
{
    sqlite3_stmt *s;
    MASK__TRY(use_id(c, SET_STATE, name, &s, err));
    sqlite3_bind_int64(s, 2, number);
    return mask__database_do(c, s, err);
}

static mask_status set_options(mask__catalogue *c, const char *name, mask_options_kind kind, const void *options,
                               mask_error *err)
{
    sqlite3_stmt *s;
    char text[MASK__OPTIONS_TEXT];
    mask__options_write(kind, options, text);
    MASK__TRY(use_id(c, SET_STATE, name, &s, err));
    sqlite3_bind_text(s, 2, text, -1, SQLITE_TRANSIENT);
    return mask__database_do(c, s, err);
}

static mask_status fill(mask__catalogue *c, const void *context, mask_error *err)
{
    const mask__catalogue_settings *settings = context;
    MASK__TRY(set_number(c, "generation", 1, err));
    MASK__TRY(set_number(c, resolved_name, settings->whole_region, err));
    MASK__TRY(set_options(c, match_name, MASK_OPTIONS_MATCH, &settings->options, err));
    return set_options(c, gallery_name, MASK_OPTIONS_GALLERY, &settings->gallery, err);
}

mask_status mask__catalogue_create(const char *folder, const mask__catalogue_settings *settings, mask_error *err)
{
    return mask__database_create(folder, fill, settings, err);
}

/* A row of the table `state`. In version 1 each option was a row, a number. */
static mask_status take_state(mask__catalogue *c, sqlite3_stmt *s, mask__catalogue_settings *out, mask_error *err)
{
    const char *name = (const char *)sqlite3_column_text(s, 0), *text = (const char *)sqlite3_column_text(s, 1);
    size_t length = (size_t)sqlite3_column_bytes(s, 1);
    if (!name || !text) return mask__database_damaged(c, err, "an option of the index is missing");
    if (strcmp(name, "generation") == 0) return MASK_OK;
    if (strcmp(name, match_name) == 0)
        return mask__options_read(MASK_OPTIONS_MATCH, &out->options, text, length, c->path, err);
    if (strcmp(name, gallery_name) == 0)
        return mask__options_read(MASK_OPTIONS_GALLERY, &out->gallery, text, length, c->path, err);
    if (strcmp(name, resolved_name) == 0) {
        int64_t whole = sqlite3_column_int64(s, 1);
        out->whole_region = (int)whole;
        return whole >= MASK_WHOLE_AUTO && whole <= INT_MAX
                   ? MASK_OK
                   : mask__database_damaged(c, err, "its whole_region is none");
    }
    uint64_t *own = strcmp(name, own_name) == 0           ? &out->own
                    : strcmp(name, own_images_name) == 0  ? &out->own_images
                    : strcmp(name, own_changes_name) == 0 ? &out->own_changes
                                                          : NULL;
    if (own) {
        int64_t value = sqlite3_column_int64(s, 1);
        *own = (uint64_t)value;
        return value >= 0 ? MASK_OK : mask__database_damaged(c, err, "its background is none");
    }
    double number = sqlite3_column_double(s, 1);
    bool gallery = strcmp(name, "budget") == 0 || strcmp(name, "segment_images") == 0;
    return mask__options_read_numbers(gallery ? MASK_OPTIONS_GALLERY : MASK_OPTIONS_MATCH,
                                      gallery ? (void *)&out->gallery : (void *)&out->options, &name, 1, &number,
                                      c->path, err);
}

static mask_status read_state(mask__catalogue *c, mask__catalogue_settings *out, mask_error *err)
{
    MASK__CLOSED(mask__statement_free) sqlite3_stmt *s = NULL;
    bool row;
    MASK__TRY(mask__database_prepare(c, &s, "SELECT name, value FROM state", err));
    for (;;) {
        MASK__TRY(mask__database_step(c, s, &row, err));
        if (!row) return MASK_OK;
        MASK__TRY(take_state(c, s, out, err));
    }
}

mask_status mask__catalogue_settings_read(mask__catalogue *c, mask__catalogue_settings *out, mask_error *err)
{
    *out = (mask__catalogue_settings){
        .options = mask_match_plain(), .gallery = mask_gallery_defaults(), .whole_region = MASK_WHOLE_AUTO};
    pthread_mutex_lock(&c->mutex);
    mask__sql_bound(c->db, c->path);
    mask_status status = read_state(c, out, err);
    mask__sql_unbound(c->db);
    pthread_mutex_unlock(&c->mutex);
    return status;
}

const char *mask__catalogue_settings_differ(const mask__catalogue_settings *a, const mask__catalogue_settings *b)
{
    char left[MASK__OPTIONS_TEXT], right[MASK__OPTIONS_TEXT];
    mask__options_write(MASK_OPTIONS_MATCH, &a->options, left);
    mask__options_write(MASK_OPTIONS_MATCH, &b->options, right);
    const char *name = mask__options_differ(MASK_OPTIONS_MATCH, left, right);
    mask__options_write(MASK_OPTIONS_GALLERY, &a->gallery, left);
    mask__options_write(MASK_OPTIONS_GALLERY, &b->gallery, right);
    return name ? name : mask__options_differ(MASK_OPTIONS_GALLERY, left, right);
}

mask_status mask__catalogue_count(mask__catalogue *c, size_t *count, mask_error *err)
{
    int64_t value = 0;
    MASK__TRY(mask__database_number(c, "SELECT count(*) FROM item", &value, err));
    *count = (size_t)value;
    return MASK_OK;
}

mask_status mask__catalogue_set_own(mask__catalogue *c, const mask__catalogue_settings *settings, mask_error *err)
{
    MASK__TRY(set_number(c, own_name, (int64_t)settings->own, err));
    MASK__TRY(set_number(c, own_images_name, (int64_t)settings->own_images, err));
    return set_number(c, own_changes_name, (int64_t)settings->own_changes, err);
}

mask_status mask__catalogue_set_whole_region(mask__catalogue *c, int whole_region, mask_error *err)
{
    return set_number(c, resolved_name, whole_region, err);
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

void mask__part_name(uint64_t number, const char *kind, char name[MASK__PART_NAME_BYTES])
{
    snprintf(name, MASK__PART_NAME_BYTES, "%08llu.%s", (unsigned long long)number, kind);
}

const char mask__own_number[] = "SELECT coalesce((SELECT value FROM state WHERE name = 'own'), 0)";

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
static bool is_leftover(mask__catalogue *c, uint64_t own, const char *name, mask_status *status, mask_error *err)
{
    static const char *const kinds[] = {"own", "scorer"};
    sqlite3_stmt *s;
    bool row = true;
    char right[MASK__PART_NAME_BYTES];
    unsigned long long number = strtoull(name, NULL, 10);
    for (int i = 0; i < 2; i++) {
        mask__part_name(number, kinds[i], right);
        if (strncmp(name, right, strlen(right)) == 0) return name[strlen(right)] != '\0' || number != own;
    }
    if (strstr(name, ".segment.tmp-") || strstr(name, ".texts.tmp-") || strncmp(name, "scorer.mask.", 12) == 0 ||
        strncmp(name, "knowledge.mask.", 15) == 0 || strncmp(name, "catalogue.sqlite.new", 20) == 0)
        return true;
    mask__part_name(number, "segment", right);
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
    int64_t own = 0;
    MASK__TRY(mask__database_number(c, mask__own_number, &own, err));
    DIR *folder = opendir(c->folder);
    if (!folder) return mask__fail(err, MASK_EIO, "%s: cannot list: %s", c->folder, strerror(errno));
    while (status == MASK_OK && (entry = readdir(folder)))
        if (is_leftover(c, (uint64_t)own, entry->d_name, &status, err)) unlinkat(dirfd(folder), entry->d_name, 0);
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

/* ---- A catalogue without images ---- */

static mask_status fill_from(mask__catalogue *c, const void *context, mask_error *err)
{
    static const char state[] =
        "SELECT group_concat(printf('INSERT INTO state VALUES(%Q, %s);', name, quote(value)), '') FROM state";
    static const char columns[] =
        "SELECT group_concat(printf('ALTER TABLE item ADD COLUMN \"%w\" %s;', name, type), '') "
        "FROM " MASK__METADATA_TABLE;
    mask__catalogue *from = *(mask__catalogue *const *)context;
    MASK__TRY(mask__database_run_result(c, from, state, err));
    MASK__TRY(mask__database_run_result(c, from, columns, err));
    return mask__database_make_view(c, err);
}

mask_status mask__catalogue_copy_empty(mask__catalogue *from, const char *folder, mask_error *err)
{
    pthread_mutex_lock(&from->mutex);
    mask_status status = mask__database_create(folder, fill_from, &from, err);
    pthread_mutex_unlock(&from->mutex);
    return status;
}
