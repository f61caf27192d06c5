/* Searches in ClickHouse (remote.h). The score is linear in columns of words (queryplan.h), so its upper bound is a sum
 * that the engine can make: sum coefficient (low + step code) + |coefficient| error, minus M, over D(i), and so on. OOD
 * words are bounded by their neighbours' A, of which blocks of images are rows, for they are many, and the images'
 * vectors in 8 bits (oodwords.c). The engine returns the images of the largest bounds; they are scored from their
 * vectors, best bound first, until the next bound is below the k-th best score (select.h). Where the list ends before,
 * a longer one is asked for. */
#include "search/remote.h"
#include "gallery/files.h"
#include "gallery/stored.h"
#include "base/memory.h"
#include "search/scan.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <dirent.h>
#include <xxhash.h>

enum { FIRST_LIST = 1024, FIRST_OOD_LIST = 8192 /* looser bounds */, MOST_LIST = 1 << 26, FILES_MOST = 8 };

/* ---- The statement ---- */

/* An upper bound: (constant + sum of factors x codes + steps x sums of codes) / D - weight h - hub. */
typedef struct bound {
    double constant;
    double *known, *pooled;     /* of terms and words: of the codes of their columns, and of A */
    double *looks[2], slack[2]; /* of the whole image and the scene: Z, and what to add to their sum */
    bool has_looks[2];
    double size; /* of all that is summed, for roundings */
} bound;

/* The largest of scale (x . v - mean) times b, from the image's codes. */
static void add_look(bound *f, int which, const float *v, size_t z, const mask__affine *a, double b)
{
    double factor = b * (double)a->scale, norm = 0;
    if (!v) return;
    for (size_t d = 0; d < z; d++) {
        f->looks[which][d] += factor * (double)v[d];
        norm += fabs((double)v[d]);
    }
    f->slack[which] += fabs(factor) * 0.502 * norm;
    f->constant += fabs(factor) * (double)(z + 8) * MASK__ROUNDING - factor * (double)a->mean;
    f->size += fabs(factor) * (2 + fabs((double)a->mean));
    f->has_looks[which] = true;
}

static mask_status add_ood(bound *f, const mask__plan *p, size_t w, size_t z, mask__arena *work, mask_error *err)
{
    const mask__ood_word *word = p->ood_words[w];
    const mask__scored_terms *t = &word->scored;
    double b = p->coefficients[p->known + w], factor = b * (double)t->pooled->scale;
    mask__ood_shares known;
    MASK__TRY(mask__ood_word_shares(word, p->view, &known, work, err));
    f->constant += fabs(b) * known.margin - factor * (double)t->pooled->mean;
    f->size += fabs(factor) * (2 + fabs((double)t->pooled->mean));
    if (b > 0 ? known.convex : known.linear)
        for (size_t q = 0; q < word->neighbours.m; q++)
            f->pooled[word->neighbours.items[q].index] += factor * known.shares[q];
    else f->constant += fabs(factor) * (double)MASK__MOST_COSINE;
    f->constant += fabs(factor) * known.off;
    if (t->whole) add_look(f, 0, t->prototypes, z, t->whole, b);
    if (t->scenes) add_look(f, 1, t->scenes, z, t->scene, b);
    return MASK_OK;
}

static mask_status find_bound(bound *f, const mask__plan *p, const mask__remote *remote, mask__arena *work,
                              mask_error *err)
{
    size_t sizes[] = {remote->state.terms, remote->state.words, remote->state.z, remote->state.z};
    *f = (bound){.constant = -p->mean, .size = p->mean_size + 1};
    double **arrays[] = {&f->known, &f->pooled, &f->looks[0], &f->looks[1]};
    for (size_t i = 0; i < 4; i++)
        if (!(*arrays[i] = mask__arena_alloc(work, sizes[i], sizeof(double)))) return mask__no_memory(err, "a search");
    for (size_t w = 0; w < p->known; w++) {
        const mask__remote_scale *scale = &remote->scales[p->words[w]];
        f->known[p->words[w]] = p->coefficients[w] * scale->step;
        f->constant += p->coefficients[w] * scale->low + fabs(p->coefficients[w]) * scale->error;
        f->size += p->sizes[w] * (fabs(scale->low) + 256 * scale->step);
    }
    for (size_t w = 0; w < p->ood; w++) MASK__TRY(add_ood(f, p, w, remote->state.z, work, err));
    f->constant += 1e-9 * f->size;
    return MASK_OK;
}

/* " + " between, and parentheses around every few: an engine's parser nests sums. */
static void next_term(mask__bytes *sql, size_t *terms)
{
    mask__bytes_print(sql, "%s", *terms == 0 ? "(" : *terms % 32 == 0 ? ") + (" : " + ");
    ++*terms;
}

/* Terms of the words of one table; false = none. */
static bool print_words(mask__bytes *sql, const mask__remote *remote, const bound *f, size_t group)
{
    size_t terms = 0, per = remote->state.words_per_table;
    for (size_t w = group * per; w < remote->state.terms && w < (group + 1) * per; w++) {
        if (f->known[w] == 0) continue;
        next_term(sql, &terms);
        mask__bytes_print(sql, "%.17g*", f->known[w]);
        mask__remote_column(sql, remote->names[w]);
    }
    if (terms) mask__bytes_print(sql, ")");
    return terms > 0;
}

/* Names of columns cost an engine more than numbers, hence arrays. */
static void print_looks(mask__bytes *sql, const bound *f, size_t z)
{
    static const char *const names[] = {"whole", "scene"};
    for (int i = 0; i < 2; i++) {
        if (!f->has_looks[i]) continue;
        mask__bytes_print(sql, "%s%s_step*(%.17g + arraySum(arrayMap((a, b) -> a*b, %s_codes, [",
                          sql->size ? " + " : "", names[i], f->slack[i], names[i]);
        for (size_t d = 0; d < z; d++) mask__bytes_print(sql, "%s%.9g", d ? "," : "", f->looks[i][d]);
        mask__bytes_print(sql, "])))");
    }
}

/* The neighbours' sum of every image, from blocks of images; false = none. Columns that only a function inside ->
 * names are not found by an old engine: k stands outside, too. */
static bool print_pooled(mask__bytes *sql, const bound *f, size_t words, const char *database)
{
    MASK__CLOSED(mask__bytes_free) mask__bytes names = {0}, factors = {0};
    for (size_t w = 0; w < words; w++) {
        if (f->pooled[w] == 0) continue;
        mask__bytes_print(&factors, "%s%.17g", names.size ? "," : "", f->pooled[w]);
        mask__bytes_print(&names, "%s%zu", names.size ? "," : "", w);
    }
    sql->lost = names.lost || factors.lost;
    if (names.size == 0 && !sql->lost) return false;
    mask__bytes_print(
        sql,
        "(SELECT first + i AS mask_row, base + x AS a FROM (SELECT first, sumForEach(arrayMap(c -> c*k, "
        "codes)) AS xs, sum(f*low + abs(f)*slack + abs(k)/2) AS base FROM (SELECT mask_row AS first, low, "
        "slack, codes, transform(word, [%s], [%s], 0.0) AS f, f*step AS k FROM %s.pooled WHERE word IN "
        "(%s)) GROUP BY first) ARRAY JOIN xs AS x, range(length(xs)) AS i)",
        mask__bytes_text(&names), mask__bytes_text(&factors), database, mask__bytes_text(&names));
    return true;
}

/* What one table adds to the sum. */
typedef struct addend {
    mask__bytes sum, from;
} addend;

/* The tables that a bound needs, one of columns of words first: that which is read, and others joined to it. */
static size_t find_addends(addend *out, const mask__remote *remote, const bound *f)
{
    size_t groups = mask__remote_groups(&remote->state), used = 0;
    const char *all = *remote->state.cluster ? "_all" : "", *name = remote->database;
    for (size_t i = 0; i < groups; i++)
        if (print_words(&out[used].sum, remote, f, i)) {
            mask__bytes_print(&out[used].from, "%s.columns%zu%s", name, i, used ? "" : all);
            used++;
        }
    if (used == 0) {
        mask__bytes_print(&out[used].sum, "0");
        mask__bytes_print(&out[used++].from, "%s.columns0%s", name, all);
    }
    if (f->has_looks[0] || f->has_looks[1]) {
        print_looks(&out[used].sum, f, remote->state.z);
        mask__bytes_print(&out[used++].from, "%s.looks", name);
    }
    if (print_pooled(&out[used].from, f, remote->state.words, name)) mask__bytes_print(&out[used++].sum, "a");
    return used;
}

/* The statement: a server adds up its own images' columns, and sends no more of them than the list may hold. */
static mask_status print_bounds(mask__bytes *sql, const mask__plan *p, const mask__remote *remote, const bound *f,
                                size_t limit, const char *filter, mask__arena *work, mask_error *err)
{
    addend *parts = mask__arena_alloc(work, mask__remote_groups(&remote->state) + 3, sizeof *parts);
    if (!parts) return mask__no_memory(err, "a search");
    size_t count = find_addends(parts, remote, f);
    mask__bytes_print(sql, "SELECT mask_row, (%.17g + %s", f->constant, mask__bytes_text(&parts[0].sum));
    for (size_t i = 1; i < count; i++) mask__bytes_print(sql, " + x%zu", i);
    mask__bytes_print(sql, ") / deviation - %.17g*hub + %.17g AS upper FROM %s", p->weight,
                      1e-9 * (p->hub_size + p->weight_size + 1) - p->hub, mask__bytes_text(&parts[0].from));
    for (size_t i = 1; i < count; i++) {
        mask__bytes_print(sql, " ANY INNER JOIN (SELECT mask_row, %s AS x%zu", mask__bytes_text(&parts[i].sum), i);
        for (size_t later = i + 1; later < count; later++) mask__bytes_print(sql, ", x%zu", later);
        mask__bytes_print(sql, " FROM %s", mask__bytes_text(&parts[i].from));
    }
    for (size_t i = 1; i < count; i++) mask__bytes_print(sql, ") AS t%zu USING mask_row", i);
    if (*filter)
        mask__bytes_print(sql, " WHERE mask_row IN (SELECT mask_row FROM %s.images WHERE %s)", remote->database,
                          filter);
    mask__bytes_print(sql, " ORDER BY upper DESC LIMIT %zu", limit);
    /* Products of larger blocks of rows leave the processor's caches: 4 times slower. */
    if (f->has_looks[0] || f->has_looks[1]) mask__bytes_print(sql, " SETTINGS max_block_size = 512");
    for (size_t i = 0; i < count; i++) {
        sql->lost = sql->lost || parts[i].sum.lost || parts[i].from.lost;
        mask__bytes_free(&parts[i].sum);
        mask__bytes_free(&parts[i].from);
    }
    return MASK_OK;
}

static mask_status print_filter(mask__bytes *filter, const mask__view *v, const mask_query *query, mask_error *err)
{
    if (query->where) {
        mask__bytes_print(filter, "(");
        pthread_mutex_lock(&v->remote->lock);
        mask_status status = mask__remote_where(filter, v->catalogue, query->where, err);
        pthread_mutex_unlock(&v->remote->lock);
        if (status != MASK_OK) return status;
        mask__bytes_print(filter, ")");
    }
    if (query->ids) mask__bytes_print(filter, "%sid IN (", query->where ? " AND " : "");
    for (size_t i = 0; query->ids && i < query->id_count; i++) {
        if (i) mask__bytes_print(filter, ", ");
        mask__remote_text(filter, query->ids[i], strlen(query->ids[i]));
    }
    if (query->ids) mask__bytes_print(filter, query->id_count ? ")" : "'')");
    return MASK_OK;
}

/* ---- Candidates, and their vectors ---- */

typedef struct remote_search {
    const mask__plan *plan;
    const mask__remote *remote;
    mask__http *http;
    mask__view *near;
    const mask_query *query;
    mask__arena *work;
    mask__bytes filter, sql, reply;
    uint64_t *places; /* of the list */
    float *uppers;
    size_t listed;
    float *c, *scratch;
    mask_status status;
    mask_error *err;
} remote_search;

static mask_status fetch_list(remote_search *r, const bound *f, size_t limit, mask_error *err)
{
    r->sql.size = 0;
    MASK__TRY(print_bounds(&r->sql, r->plan, r->remote, f, limit, mask__bytes_text(&r->filter), r->work, err));
    mask__bytes_print(&r->sql, " FORMAT RowBinary");
    MASK__TRY(mask__remote_run(r->http, &r->sql, &r->reply, err));
    mask__rows rows = {.at = r->reply.data, .end = r->reply.data + r->reply.size};
    r->listed = r->reply.size / 16;
    r->places = mask__arena_alloc(r->work, r->listed, sizeof *r->places);
    r->uppers = mask__arena_alloc(r->work, r->listed, sizeof *r->uppers);
    if (!r->places || !r->uppers) return mask__no_memory(err, "a search");
    for (size_t i = 0; i < r->listed; i++) {
        double upper;
        mask__rows_take(&rows, &r->places[i], sizeof *r->places);
        mask__rows_take(&rows, &upper, sizeof upper);
        r->uppers[i] = nextafterf((float)upper, INFINITY);
    }
    return MASK_OK;
}

/* A String of numbers, where they may lie for good; NULL when it is empty. */
static void *take_array(mask__rows *rows, size_t *size, mask__arena *work)
{
    const unsigned char *from = mask__rows_bytes(rows, size);
    void *to = *size ? mask__arena_alloc(work, *size, 1) : NULL;
    if (to) memcpy(to, from, *size);
    return to;
}

static mask_status changed(const remote_search *r, mask_error *err)
{
    return mask__fail(err, MASK_EMISMATCH, "%s: the gallery in '%s' was changed since it was opened: search again",
                      mask__http_name(r->http), r->remote->database);
}

/* One image of a reply, as a segment of its own. */
static mask_status take_image(remote_search *r, mask__rows *rows, mask__segment *s, mask__snapshot_segment *names,
                              mask_error *err)
{
    size_t z = r->remote->state.z, length, regions, boxes, mu, whole, scene;
    unsigned char none;
    float *numbers = mask__arena_alloc(r->work, 2, sizeof *numbers);
    uint64_t *image_rows = mask__arena_alloc(r->work, 2, sizeof *image_rows);
    if (!numbers || !image_rows) return mask__no_memory(err, "a search");
    const char *id = (const char *)mask__rows_bytes(rows, &length);
    names->ids[0] = mask__arena_text(r->work, id, length);
    mask__rows_take(rows, &none, 1);
    if (!none) {
        const char *name = (const char *)mask__rows_bytes(rows, &length);
        names->names[0] = mask__arena_text(r->work, name, length);
    }
    mask__rows_take(rows, &names->widths[0], 4);
    mask__rows_take(rows, &names->heights[0], 4);
    mask__rows_take(rows, numbers, 2 * sizeof *numbers);
    *s = (mask__segment){.images = 1,
                         .blocks = 1,
                         .words = r->remote->state.words,
                         .z = z,
                         .image_rows = image_rows,
                         .image_deviation = &numbers[0],
                         .image_hub = &numbers[1]};
    s->region_of_row = take_array(rows, &regions, r->work);
    s->boxes = take_array(rows, &boxes, r->work);
    s->mu = take_array(rows, &mu, r->work);
    s->whole = take_array(rows, &whole, r->work);
    s->scenes = take_array(rows, &scene, r->work);
    regions /= sizeof(uint32_t);
    image_rows[1] = s->most_regions = regions;
    size_t vectors = regions + (whole > 0) + (scene > 0), all = mu + whole + scene;
    for (mask__dtype t = MASK__U8; t <= MASK__F32; t++)
        if (all == vectors * mask__stored_bytes(t, z)) s->type = t;
    size_t bytes = mask__stored_bytes(s->type, z);
    bool good = !rows->bad && regions <= r->remote->state.regions && mu == regions * bytes &&
                (!boxes || boxes == regions * 16) && (!whole || whole == bytes) && (!scene || scene == bytes);
    if (!good)
        return mask__fail(err, MASK_EFORMAT, "%s: an image's vectors are not as they were written",
                          mask__http_name(r->http));
    return names->ids[0] && (none || names->names[0]) && (s->region_of_row || !regions) && (s->mu || !mu)
               ? MASK_OK
               : mask__no_memory(err, "a search");
}

/* The vectors of a batch's images, from the database into the segments that stand for them. */
static mask_status fetch_images(remote_search *r, const mask__candidate *batch, size_t count, mask_error *err)
{
    r->sql.size = 0;
    mask__bytes_print(&r->sql,
                      "SELECT mask_row, id, name, width, height, deviation, hub, regions, boxes, mu, whole, scene FROM "
                      "%s.vectors%s WHERE mask_row IN (",
                      r->remote->database, *r->remote->state.cluster ? "_all" : "");
    for (size_t i = 0; i < count; i++)
        mask__bytes_print(&r->sql, "%s%llu", i ? "," : "", (unsigned long long)r->places[batch[i].segment]);
    mask__bytes_print(&r->sql, ") FORMAT RowBinary");
    MASK__TRY(mask__remote_run(r->http, &r->sql, &r->reply, err));
    mask__rows rows = {.at = r->reply.data, .end = r->reply.data + r->reply.size};
    size_t taken = 0;
    for (; rows.at < rows.end && !rows.bad; taken++) {
        uint64_t place;
        size_t at = 0;
        mask__rows_take(&rows, &place, sizeof place);
        while (at < count && r->places[batch[at].segment] != place) at++;
        if (at == count) return changed(r, err);
        uint32_t which = batch[at].segment;
        MASK__TRY(take_image(r, &rows, &r->near->segments[which], &r->near->snapshot.segments[which], err));
    }
    return taken == count ? MASK_OK : changed(r, err);
}

static void rescore_remote(void *context, const mask__candidate *batch, size_t count, double *scores)
{
    remote_search *r = context;
    if (r->status == MASK_OK && count) r->status = fetch_images(r, batch, count, r->err);
    for (size_t i = 0; i < count; i++)
        scores[i] = r->status == MASK_OK ? mask__plan_score(r->plan, batch[i].segment, 0, r->c, r->scratch) : -INFINITY;
}

/* A view of the listed images, each alone in a segment, which are filled when they are scored. */
static mask_status make_near(remote_search *r, const mask__view *v, mask_error *err)
{
    size_t n = r->listed;
    mask__arena *a = r->work;
    mask__segment *segments = mask__arena_alloc(a, n, sizeof *segments);
    mask__snapshot_segment *names = mask__arena_alloc(a, n, sizeof *names);
    char **texts = mask__arena_alloc(a, 2 * n, sizeof *texts);
    uint32_t *sizes = mask__arena_alloc(a, 2 * n, sizeof *sizes);
    char *nothing = mask__arena_text(a, "", 0);
    if (!segments || !names || !texts || !sizes || !nothing) return mask__no_memory(err, "a search");
    for (size_t i = 0; i < n; i++) {
        segments[i] =
            (mask__segment){.type = MASK__F16, .most_regions = r->remote->state.regions, .z = r->remote->state.z};
        names[i] = (mask__snapshot_segment){.images = 1,
                                            .ids = &texts[2 * i],
                                            .names = &texts[2 * i + 1],
                                            .widths = &sizes[2 * i],
                                            .heights = &sizes[2 * i + 1]};
        texts[2 * i] = nothing;
    }
    *r->near = *v;
    r->near->segments = segments;
    r->near->snapshot.segments = names;
    r->near->snapshot.segment_count = n;
    r->c = mask__arena_alloc(a, r->plan->known + r->plan->ood, sizeof *r->c);
    r->scratch = mask__arena_alloc(a, mask__segment_scratch(segments, n), sizeof *r->scratch);
    return r->c && r->scratch ? MASK_OK : mask__no_memory(err, "a search");
}

/* The best of the list; *sure: of all images. */
static mask_status select_listed(remote_search *r, size_t limit, size_t want, mask__scored **best, size_t *found,
                                 size_t *rescored, bool *sure, mask_error *err)
{
    mask__selection listed;
    mask__selection_open(&listed, want, r->query->min_score);
    bool room = mask__grow(&listed.candidates, &listed.capacity, r->listed, sizeof *listed.candidates);
    for (size_t i = 0; room && i < r->listed; i++)
        if (r->uppers[i] >= r->query->min_score)
            listed.candidates[listed.count++] = (mask__candidate){r->uppers[i], (uint32_t)i, 0};
    mask_status status = room ? mask__selection_finish(&listed, 1, &r->near->snapshot, rescore_remote, r, r->work, best,
                                                       found, rescored, err)
                              : mask__no_memory(err, "a search");
    mask__selection_close(&listed);
    if (status == MASK_OK) status = r->status;
    if (status != MASK_OK) return status;
    double last = r->listed ? (double)r->uppers[r->listed - 1] : -INFINITY;
    *sure = r->listed < limit || last < (double)r->query->min_score ||
            (*found == want && (want == 0 || last < (*best)[want - 1].score));
    return MASK_OK;
}

static mask_status count_images(remote_search *r, size_t *count, mask_error *err)
{
    const char *filter = mask__bytes_text(&r->filter);
    *count = r->remote->state.images;
    if (!*filter) return MASK_OK;
    r->sql.size = 0;
    mask__bytes_print(&r->sql, "SELECT count() FROM %s.images%s WHERE %s", r->remote->database,
                      *r->remote->state.cluster ? "_all" : "", filter);
    MASK__TRY(mask__remote_run(r->http, &r->sql, &r->reply, err));
    *count = strtoull(mask__bytes_text(&r->reply), NULL, 10);
    return MASK_OK;
}

static mask_status search_remote(remote_search *r, const mask__view *v, mask__plan *plan, mask__scored **best,
                                 size_t *found, mask_results *out, mask_error *err)
{
    const mask_query *query = r->query;
    bound f;
    bool sure = false;
    MASK__TRY(print_filter(&r->filter, v, query, err));
    MASK__TRY(count_images(r, &out->searched, err));
    MASK__TRY(find_bound(&f, plan, r->remote, r->work, err));
    size_t want = query->k > SIZE_MAX - query->offset ? SIZE_MAX : query->k + query->offset;
    if (want > out->searched) want = out->searched;
    for (size_t limit = (plan->ood ? FIRST_OOD_LIST : FIRST_LIST) + 4 * (want < MOST_LIST ? want : MOST_LIST); !sure;
         limit *= 8) {
        plan->view = v;
        MASK__TRY(fetch_list(r, &f, limit, err));
        MASK__TRY(make_near(r, v, err));
        plan->view = r->near;
        MASK__TRY(select_listed(r, limit, want, best, found, &out->rescored, &sure, err));
    }
    r->sql.size = 0;
    mask__bytes_print(&r->sql, "SELECT max(written) FROM %s.state", r->remote->database);
    MASK__TRY(mask__remote_run(r->http, &r->sql, &r->reply, err));
    return strtoull(mask__bytes_text(&r->reply), NULL, 10) == r->remote->state.written ? MASK_OK : changed(r, err);
}

mask_status mask__remote_select(mask__plan *plan, const mask_query *query, mask__view *near, mask__arena *work,
                                mask__scored **best, size_t *found, mask_results *out, const mask_run *run,
                                mask_error *err)
{
    const mask__view *v = plan->view;
    remote_search r = {.plan = plan, .remote = v->remote, .near = near, .query = query, .work = work, .err = err};
    mask_status status = mask__http_open(&r.http, v->remote->url, run, err);
    if (status == MASK_OK) status = search_remote(&r, v, plan, best, found, out, err);
    mask__http_close(r.http);
    mask__bytes_free(&r.filter);
    mask__bytes_free(&r.sql);
    mask__bytes_free(&r.reply);
    return status;
}

mask_status mask_gallery_sql(const mask_gallery *gallery, const mask_vectors *vectors, const mask_query *query,
                             char **out, mask_error *err)
{
    mask__view *v = mask__gallery_pin(gallery);
    mask__arena work = {0};
    mask__plan plan;
    bound f;
    mask__bytes sql = {0}, filter = {0};
    *out = NULL;
    mask_status status = v->remote ? mask__plan_open(&plan, v, vectors, query, &work, err)
                                   : mask__fail(err, MASK_EINVAL, "the gallery is not in ClickHouse");
    if (status == MASK_OK) status = print_filter(&filter, v, query, err);
    if (status == MASK_OK) status = find_bound(&f, &plan, v->remote, &work, err);
    if (status == MASK_OK)
        status =
            print_bounds(&sql, &plan, v->remote, &f, query->k + query->offset, mask__bytes_text(&filter), &work, err);
    if (status == MASK_OK && !(*out = strdup(mask__bytes_text(&sql)))) status = mask__no_memory(err, "a statement");
    if (v->remote) mask__plan_close(&plan);
    mask__bytes_free(&sql);
    mask__bytes_free(&filter);
    mask__arena_free(&work);
    mask__gallery_unpin(gallery, v);
    return status;
}

/* ---- Opening ---- */

static bool is_file_name(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/') && strlen(name) < 64;
}

/* The files of a gallery without images, into a new folder. */
static mask_status fetch_files(mask__http *http, const char *database, const char *folder, mask_error *err)
{
    mask__bytes sql = {0}, reply = {0};
    FILE *file = NULL;
    char last[64] = "", path[4400];
    mask__bytes_print(&sql, "SELECT name, content FROM %s.files ORDER BY name, part FORMAT RowBinary", database);
    mask_status status = mask__remote_run(http, &sql, &reply, err);
    mask__rows rows = {.at = reply.data, .end = reply.data + reply.size};
    bool good = true;
    while (status == MASK_OK && good && rows.at < rows.end) {
        char name[64] = "";
        size_t length, size;
        const unsigned char *text = mask__rows_bytes(&rows, &length);
        if (length < sizeof name) memcpy(name, text, length);
        const unsigned char *content = mask__rows_bytes(&rows, &size);
        good = !rows.bad && is_file_name(name);
        if (good && strcmp(name, last) != 0) {
            if (file) good = fclose(file) == 0;
            snprintf(path, sizeof path, "%s/%s", folder, name);
            file = fopen(path, "wbx");
            memcpy(last, name, sizeof last);
        }
        good = good && file && fwrite(content, 1, size, file) == size;
    }
    if (file) good = fclose(file) == 0 && good;
    if (status == MASK_OK && (!good || !*last))
        status = mask__fail(err, MASK_EIO, "%s: the files of the gallery cannot be copied to %s", mask__http_name(http),
                            folder);
    mask__bytes_free(&sql);
    mask__bytes_free(&reply);
    return status;
}

/* Copies of other states of the same database. */
static void remove_others(const char *cache, const char *prefix, const char *keep)
{
    struct dirent *entry;
    DIR *folder = opendir(cache);
    char path[4400];
    mask_error ignored;
    while (folder && (entry = readdir(folder)))
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 && strcmp(entry->d_name, keep) != 0 &&
            snprintf(path, sizeof path, "%s/%s", cache, entry->d_name) < (int)sizeof path)
            (void)mask_gallery_delete(path, &ignored);
    if (folder) closedir(folder);
}

static mask_status copy_gallery(mask__http *http, const mask__remote *r, const char *cache, char path[4096],
                                mask_error *err)
{
    char prefix[40], name[80], fresh[4096];
    uint64_t hash = XXH3_64bits(r->url, strlen(r->url));
    hash = XXH3_64bits_withSeed(r->database, strlen(r->database), hash);
    snprintf(prefix, sizeof prefix, "clickhouse-%016llx-", (unsigned long long)hash);
    snprintf(name, sizeof name, "%s%016llx", prefix, (unsigned long long)r->state.written);
    if (snprintf(path, 4096, "%s/%s", cache, name) >= 4096 ||
        snprintf(fresh, sizeof fresh, "%s/clickhouse-new-XXXXXX", cache) >= (int)sizeof fresh)
        return mask__fail(err, MASK_EINVAL, "%.60s...: this path is too long", cache);
    if (access(path, R_OK) == 0) return MASK_OK;
    if (!mkdtemp(fresh)) return mask__fail(err, MASK_EIO, "%s: cannot be made", fresh);
    mask_status status = fetch_files(http, r->database, fresh, err);
    if (status == MASK_OK && rename(fresh, path) != 0 && access(path, R_OK) != 0)
        status = mask__fail(err, MASK_EIO, "%s: cannot be made", path);
    if (access(fresh, R_OK) == 0) mask__gallery_unmake(fresh);
    if (status == MASK_OK) remove_others(cache, prefix, name);
    return status;
}

/* All tables that searches read hold as many rows as the export said. */
static mask_status check_counts(mask__http *http, const mask__remote *r, mask_error *err)
{
    static const char *const others[] = {"looks", "vectors", "images", "pooled"};
    const mask__remote_state *s = &r->state;
    size_t groups = mask__remote_groups(s);
    mask__bytes sql = {0}, reply = {0};
    for (size_t i = 0; i < groups + 4; i++) {
        mask__bytes_print(&sql, "%sSELECT count() != %llu AS n FROM %s.", i ? " UNION ALL " : "SELECT sum(n) FROM (",
                          (unsigned long long)(i == groups + 3 ? s->words * s->blocks : s->images), r->database);
        if (i < groups) mask__bytes_print(&sql, "columns%zu", i);
        else mask__bytes_print(&sql, "%s", others[i - groups]);
        if (*s->cluster) mask__bytes_print(&sql, "_all");
    }
    mask__bytes_print(&sql, ")");
    mask_status status = mask__remote_run(http, &sql, &reply, err);
    if (status == MASK_OK && strcmp(mask__bytes_text(&reply), "0\n") != 0)
        status =
            mask__fail(err, MASK_EMISMATCH,
                       "%s: tables of '%s' do not hold the %llu images that were exported: export the gallery again",
                       mask__http_name(http), r->database, (unsigned long long)r->state.images);
    mask__bytes_free(&sql);
    mask__bytes_free(&reply);
    return status;
}

static mask_status open_remote(mask__remote *r, const char *cache, char path[4096], const mask_run *run,
                               mask_error *err)
{
    mask__http *http;
    bool none;
    MASK__TRY(mask__http_open(&http, r->url, run, err));
    mask_status status = mask__remote_state_read(http, r->database, &r->state, &none, err);
    if (status == MASK_OK && (none || !r->state.complete))
        status = mask__fail(err, MASK_ENOTFOUND, "%s: the database '%s' holds no %sgallery%s", mask__http_name(http),
                            r->database, none ? "" : "whole ",
                            none ? ": export one" : ": its export goes on, or was stopped: make it again");
    if (status == MASK_OK) status = check_counts(http, r, err);
    if (status == MASK_OK) {
        r->scales = calloc(r->state.terms, sizeof *r->scales);
        status = r->scales ? mask__remote_scales_read(http, r->database, r->state.terms, r->scales, &none, err)
                           : mask__no_memory(err, r->url);
    }
    if (status == MASK_OK) status = copy_gallery(http, r, cache, path, err);
    mask__http_close(http);
    return status;
}

/* The gallery without images, which is now the database's. */
static mask_status join_copy(mask__remote *r, mask_gallery *g, mask_error *err)
{
    const mask__calibration *c = g->view->calibration;
    if (g->knowledge->info.words != r->state.words || g->knowledge->info.dim != r->state.z ||
        c->known.count + c->others.count < r->state.terms)
        return mask__fail(err, MASK_EMISMATCH, "%s: is a copy of another gallery: remove it", g->path);
    r->names = mask__remote_names(g->view, &r->arena);
    if (!r->names) return mask__no_memory(err, g->path);
    g->view->remote = r;
    g->view->snapshot.images = r->state.images;
    return MASK_OK;
}

mask_status mask_gallery_open_clickhouse(mask_gallery **out, const mask_clickhouse *from, const char *cache,
                                         const mask_run *run, mask_error *err)
{
    char path[4096];
    *out = NULL;
    MASK__TRY(mask__remote_name(from->database, "database", err));
    mask__remote *r = calloc(1, sizeof *r);
    if (!r) return mask__no_memory(err, from->urls);
    pthread_mutex_init(&r->lock, NULL);
    r->url = strdup(from->urls);
    r->database = strdup(from->database);
    mask_status status =
        r->url && r->database ? open_remote(r, cache, path, run, err) : mask__no_memory(err, from->urls);
    if (status == MASK_OK) status = mask_gallery_open(out, path, run, err);
    if (status == MASK_OK) status = join_copy(r, *out, err);
    if (status != MASK_OK) {
        mask_gallery_close(*out);
        *out = NULL;
        mask__remote_close(r);
    }
    return status;
}
