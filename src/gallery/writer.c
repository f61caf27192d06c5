#include "gallery/writer.h"
#include "gallery/build.h"
#include "base/memory.h"

#include <stdlib.h>
#include <unistd.h>

void mask__writing_close(mask__writing *w)
{
    if (w->scored) mask__calibration_close(&w->calibration);
    mask_knowledge_close(w->knowledge);
    mask__catalogue_close(w->catalogue);
}

mask_status mask__writing_open(mask__writing *w, const char *path, const mask_run *run, mask_error *err)
{
    *w = (mask__writing){.path = path, .run = run};
    MASK__TRY(mask__catalogue_open(&w->catalogue, path, mask__team_rank(run) == 0, err));
    return mask__catalogue_settings_read(w->catalogue, &w->settings, err);
}

mask_status mask__writing_knowledge(mask__writing *w, mask_error *err)
{
    return mask__gallery_knowledge(&w->knowledge, w->path, w->settings.own, err);
}

/* What building needs; the first change stores it, for readers to open in a millisecond. */
static mask_status make_calibration(mask__writing *w, mask_error *err)
{
    MASK__FREED char *file = NULL;
    MASK__TRY(mask__calibration_open(&w->calibration, w->knowledge, &w->settings.options, w->settings.whole_region,
                                     w->run, err));
    w->scored = true;
    if (mask__team_rank(w->run) > 0) return MASK_OK;
    MASK__TRY(mask__gallery_scorer(&file, w->path, w->settings.own, err));
    return mask__calibration_save(&w->calibration, file, err);
}

mask_status mask__writing_calibration(mask__writing *w, mask_error *err)
{
    mask_status stored = MASK_ENOTFOUND;
    if (!w->resolve)
        stored = mask__gallery_stored_calibration(&w->calibration, w->path, w->knowledge, w->settings.own,
                                                  w->settings.whole_region, MASK__VERIFY_DATA, err);
    w->scored = stored == MASK_OK;
    if (stored == MASK_ENOMEM) return stored;
    if (stored != MASK_OK) MASK__TRY(make_calibration(w, err));
    size_t fits = mask__segment_capacity(&w->calibration);
    w->segment_images = w->settings.gallery.segment_images ? w->settings.gallery.segment_images : fits;
    if (w->segment_images > MASK__SEGMENT_IMAGES_MAX) w->segment_images = MASK__SEGMENT_IMAGES_MAX;
    return MASK_OK;
}

/* A segment that was written but not committed is nobody's. After a commit that failed it stays: what could not be
 * synced may have been written all the same, and then whoever opens the catalogue next finds it committed. Else the
 * next change removes the file. */
mask_status mask__writing_commit(mask__writing *w, mask_status status, const char *file, mask_error *err)
{
    if (status != MASK_OK) unlink(file);
    else status = mask__catalogue_commit(w->catalogue, err);
    if (status != MASK_OK) mask__catalogue_rollback(w->catalogue);
    return status;
}
