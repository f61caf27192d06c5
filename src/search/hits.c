/* What is said of each image that was found: its names, and for every word its score and the region that looks most
 * like it. */
#include "search/hits.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

static mask_status copy_text(const char **out, const char *text, mask__arena *arena, mask_error *err)
{
    *out = text ? mask__arena_text(arena, text, strlen(text)) : NULL;
    return text && !*out ? mask__no_memory(err, "results") : MASK_OK;
}

static void place_word(mask_hit_word *word, const mask__segment *s, size_t image, const float *mu,
                       const float *prototype, uint32_t best)
{
    uint64_t row = s->image_rows[image] + best;
    if (row >= s->image_rows[image + 1]) return; /* an image without regions */
    word->region = s->region_of_row ? s->region_of_row[row] : best;
    word->cosine = mask__dot(mu + best * s->z, prototype, s->z);
    word->has_box = s->boxes && !isnan(s->boxes[row * 4]);
    if (word->has_box) memcpy(word->box, s->boxes + row * 4, sizeof word->box);
}

static mask_status explain(mask_hit *hit, const mask__plan *p, const mask__scored *found, const mask__image_vectors *x,
                           mask__arena *arena, mask_error *err)
{
    const mask__segment *s = &p->view->segments[found->segment];
    const mask__calibration *calibration = p->view->calibration;
    mask_hit_word *words = mask__arena_alloc(arena, p->part_count, sizeof *words);
    if (!words) return mask__no_memory(err, "results");
    for (size_t i = 0; i < p->part_count; i++) {
        const mask__plan_part *part = &p->parts[i];
        bool known = part->term < p->known;
        const mask__scored_terms *terms = known ? &calibration->known : &p->ood_words[part->term - p->known]->scored;
        uint32_t which = known ? p->words[part->term] : 0, best = 0;
        words[i] = (mask_hit_word){.text = part->text, .word = part->word};
        mask__calibration_exact(calibration, terms, &which, 1, x->mu, x->regions, x->whole, x->scene, &words[i].score,
                                NULL, &best);
        place_word(&words[i], s, found->image, x->mu, terms->prototypes + which * s->z, best);
    }
    hit->words = words;
    hit->word_count = p->part_count;
    return MASK_OK;
}

mask_status mask__hits_make(mask_results *out, const mask__view *v, const mask__plan *plan, const mask_query *query,
                            const mask__scored *best, size_t found, mask__arena *arena, mask_error *err)
{
    size_t offset = query->offset, count = found > offset ? found - offset : 0;
    float *c = mask__arena_alloc(arena, plan->known + plan->ood, sizeof *c);
    mask_hit *hits = mask__arena_alloc(arena, count, sizeof *hits);
    float *scratch =
        mask__arena_alloc(arena, mask__segment_scratch(v->segments, v->snapshot.segment_count), sizeof *scratch);
    if (!hits || !scratch || !c) return mask__no_memory(err, "results");
    out->hits = hits;
    for (size_t at = 0; at < count; at++) {
        const mask__scored *item = &best[offset + at];
        const mask__snapshot_segment *names = &v->snapshot.segments[item->segment];
        mask_hit *hit = &hits[out->count];
        *hit = (mask_hit){.score = item->score,
                          .width = names->widths ? names->widths[item->image] : 0,
                          .height = names->heights ? names->heights[item->image] : 0};
        mask__plan_score(plan, item->segment, item->image, c, scratch);
        hit->confidence = mask__plan_confidence(plan, item->segment, item->image, c);
        if (query->min_confidence > 0 && isnan(hit->confidence))
            return mask__fail(err, MASK_EINVAL,
                              "hits have no confidence: search by score, or calibrate the knowledge again and index");
        if (query->min_confidence > 0 && hit->confidence < query->min_confidence) continue;
        out->count++;
        MASK__TRY(copy_text(&hit->id, item->id, arena, err));
        MASK__TRY(copy_text(&hit->name, names->names ? names->names[item->image] : NULL, arena, err));
        if (!query->explain) continue;
        mask__image_vectors vectors = mask__segment_image(&v->segments[item->segment], item->image, scratch);
        hit->likeness = mask__likeness_score(&plan->likeness, &vectors, v->segments[item->segment].z);
        MASK__TRY(explain(hit, plan, item, &vectors, arena, err));
    }
    return MASK_OK;
}
