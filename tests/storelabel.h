/* What a region store says that a region was detected as, by SQL: the library only writes it, for other programs. */
#ifndef MASK_TESTS_STORELABEL_H
#define MASK_TESTS_STORELABEL_H

#include "check.h"

#include <sqlite3.h>

/* The label of a region of the image-th good photo by id, copied to label, with its score; false = not detected. */
static inline bool stored_label(const char *path, size_t image, size_t region, char label[64], float *score)
{
    sqlite3 *db;
    sqlite3_stmt *photo, *name;
    int32_t number;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT labels, scores FROM photos WHERE error IS NULL ORDER BY id "
                                        "LIMIT 1 OFFSET ?1",
                                        -1, &photo, NULL),
                     SQLITE_OK);
    sqlite3_bind_int64(photo, 1, (sqlite3_int64)image);
    assert_int_equal(sqlite3_step(photo), SQLITE_ROW);
    assert_true((size_t)sqlite3_column_bytes(photo, 0) >= (region + 1) * sizeof number);
    assert_true((size_t)sqlite3_column_bytes(photo, 1) >= (region + 1) * sizeof *score);
    memcpy(&number, (const char *)sqlite3_column_blob(photo, 0) + region * sizeof number, sizeof number);
    memcpy(score, (const char *)sqlite3_column_blob(photo, 1) + region * sizeof *score, sizeof *score);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT name FROM labels WHERE number = ?1", -1, &name, NULL), SQLITE_OK);
    sqlite3_bind_int64(name, 1, number);
    bool found = number >= 0 && sqlite3_step(name) == SQLITE_ROW;
    if (found) snprintf(label, 64, "%s", (const char *)sqlite3_column_text(name, 0));
    sqlite3_finalize(name);
    sqlite3_finalize(photo);
    sqlite3_close(db);
    return found;
}

#endif
