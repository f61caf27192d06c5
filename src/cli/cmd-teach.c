/* mask teach: a word from a person's own photos. */
#include "photo-gallery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int photos_images(args *a, const char *const *paths, size_t count, mask_images **images)
{
    char encoder[DATA_PATH];
    mask_extractor *extractor = NULL;
    mask_photo *photos = calloc(count, sizeof *photos);
    int result = photos ? find_encoder(a, encoder) : fail("out of memory for the photos");
    for (size_t i = 0; photos && i < count; i++) photos[i].path = paths[i];
    mask_status status = result ? MASK_OK : mask_extractor_open(&extractor, encoder, NULL, &a->run, &a->err);
    if (extractor) status = mask_extractor_images(images, extractor, photos, count, &a->err);
    mask_extractor_close(extractor);
    free(photos);
    return status == MASK_OK ? result : failed(&a->err);
}

static int print_taught(const args *a, const char *out, bool sharpened)
{
    size_t count = mask_images_count(a->images);
    const char *word = a->positional[1];
    if (a->json)
        return print_json(json_pack("{s:s, s:s, s:I, s:b}", "file", out, "word", word, "photos", (json_int_t)count,
                                    "sharpened", (int)sharpened));
    printf("%s: %s '%s' from %zu photo%s\n", out, sharpened ? "sharpened" : "learned", word, count,
           count == 1 ? "" : "s");
    printf("Search with it: mask search --photos FOLDER --knowledge %s \"%s\"\n", out, word);
    if (count < 3) printf("A few more photos, in other places, would make it surer.\n");
    return 0;
}

static int run_teach(args *a)
{
    mask_match_options o;
    mask_knowledge *taught;
    bool sharpened;
    const char *out = args_text(a, "-o", NULL);
    int bad = check_output(out);
    if (!bad) bad = open_knowledge(a, a->positional[0]);
    if (!bad) bad = read_match_options(a, &o);
    if (!bad) bad = open_vectors(a, &o);
    if (!bad) bad = photos_images(a, a->positional + 2, (size_t)a->positional_count - 2, &a->images);
    if (bad) return bad;
    mask_status status =
        mask_knowledge_teach(&taught, a->knowledge, a->vectors, a->positional[1], a->images, &sharpened, &a->err);
    if (status == MASK_OK) status = mask_knowledge_save(taught, out, &a->err);
    if (status == MASK_OK) bad = print_taught(a, out, sharpened);
    mask_knowledge_close(taught);
    return status == MASK_OK ? bad : failed(&a->err);
}

const command command_teach = {
    .name = "teach",
    .positional = "K.mask WORD PHOTO...",
    .summary = "Add a word to a knowledge, or sharpen one, from a few of your own photos",
    .details = "WORD is one or two words: \"my cat\". 1 photo is enough, 3 to 10 in different places are good: what "
               "they have\n"
               "in common, and other photos have not, is learned. The photos themselves are not kept.",
    .examples = "mask teach starter.mask 'my cat' tom1.jpg tom2.jpg tom3.jpg -o mine.mask",
    .options =
        (const option[]){
            {"-o", "K2.mask", "file to write; it may be K.mask"},
            {"--vectors", "FILE", "word vectors (default: the file the knowledge was learned with)"},
            {"--encoder", "E.menc",
             "network that its knowledge was learned with (default: default.menc beside the program)"},
            {0},
        },
    .needed = "-o",
    .run = run_teach,
};
