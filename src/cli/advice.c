/* The library's messages say what is wrong in its own words, since any program may show them. What that means for a
 * user of these commands is added here; scripts/check-rooms.py sees that each phrase is still the library's. */
#include "commands.h"

#include <string.h>

static const struct {
    const char *says, *advice;
} table[] = {
    {"need the word vectors of its knowledge", "pass --vectors FILE"},
    {"need the word vectors the knowledge was learned with", "pass --vectors FILE, or --ood off"},
    {"by id need image_data.json", "--image-data FILE"},
    {"check the vocabulary and the table of images", "--image-data FILE"},
    {"appears again after other images", "see --name-by"},
    {"is not a gallery", "mask index makes one"},
    {"scores nouns without their adjectives", "leave --adjectives out"},
    {"needs a pooling that has columns", "--pool max-mean or --pool mean"},
    {"must not depend on its images", "run mask calibrate, or use --calibrate none"},
    {"learned without scenes: match without", "use --scene 0"},
    {"cannot be its whole image", "--whole-region mean"},
    {"has no captions beside it", "--captions FILE"},
    {"held-out loss never fell below", "--rate"},
    {"is not a MASK", "run mask info on it to see what it is"},
    {"a .npy needs equal numbers", "mask convert --regions makes them equal"},
    {"regions and a vector: ask for fewer regions", "--min-count"},
    {"training: take a smaller batch", "--batch"},
    {"a training batch: take a smaller one", "--batch"},
    {"will be overwritten, not continued", "--resume would continue it"},
    {"training diverged", "--rate, --clip"},
    {"to be continued", "run it again with --resume"},
    {"or start anew", "without --resume"},
    {": start anew", "without --resume"},
    {"no encoder is named", "run make encoder"},
    {"make it smaller or raise the limit", "--max-pixels"},
};

const char *advice(const char *message)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strstr(message, table[i].says)) return table[i].advice;
    return NULL;
}
