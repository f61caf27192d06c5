/* mask adapt. */
#include "commands.h"

#include <stdio.h>

static int finish(const args *a, const mask_knowledge *adapted, const char *out, const mask_adapt_report *r)
{
    mask_error err;
    if (mask_knowledge_save(adapted, out, &err) != MASK_OK) return failed(&err);
    progress_end();
    if (a->json)
        return print_json(json_pack("{s:s, s:I, s:I, s:f, s:f, s:f}", "file", out, "epochs", (json_int_t)r->epochs,
                                    "kept", (json_int_t)r->kept, "loss_before", r->before, "loss_after", r->after,
                                    "change", r->change));
    if (r->kept)
        printf("%s: adapted, epoch %zu of %zu; held-out loss %.4f -> %.4f; |W - 1| / |1| %.3f\n", out, r->kept,
               r->epochs, r->before, r->after, r->change);
    else printf("%s: not adapted: held-out loss %.4f fell in none of %zu epochs\n", out, r->before, r->epochs);
    return 0;
}

static int run_adapt(args *a)
{
    mask_error err;
    mask_knowledge *k = NULL, *adapted = NULL;
    mask_images *images = NULL;
    mask_texts *texts = NULL;
    mask_vectors *vectors = NULL;
    mask_adapt_options o = mask_adapt_defaults();
    mask_adapt_report report;
    const char *out = args_text(a, "-o", NULL), *images_path = args_text(a, "--images", NULL),
               *texts_path = args_text(a, "--texts", NULL), *split = args_text(a, "--split", NULL);
    int result = args_options(a, MASK_OPTIONS_ADAPT, &o);
    if (result) return result;
    if (!out) return args_usage(a, "-o FILE.mask is needed");
    if (!images_path || !texts_path)
        return args_usage(a, "--images and --texts are needed: unpaired data of the domain");
    if ((result = check_output(out)) != 0) return result;
    if (mask_knowledge_open(&k, a->positional[0], &a->run, &err) != MASK_OK) return failed(&err);
    mask_match_options match = mask_match_defaults(k);
    if (args_has(a, "--known-words")) match.ood = MASK_OOD_OFF;
    result = open_vectors(a, k, &match, &vectors);
    if (result == 0) {
        mask_status status = mask_images_open(&images, images_path, split, &a->run, &err);
        if (status == MASK_OK) status = mask_texts_open(&texts, texts_path, split, &a->run, &err);
        if (status == MASK_OK)
            status = mask_knowledge_adapt(&adapted, k, vectors, images, texts, &o, &report, &a->run, &err);
        result = status == MASK_OK ? finish(a, adapted, out, &report) : failed(&err);
    }
    mask_knowledge_close(adapted);
    mask_texts_close(texts);
    mask_images_close(images);
    mask_vectors_close(vectors);
    mask_knowledge_close(k);
    return result;
}

const command command_adapt = {
    .name = "adapt",
    .positional = "K.mask",
    .min_positional = 1,
    .max_positional = 1,
    .summary = "Fit a knowledge to a domain with unpaired images and texts of it",
    .details = "Learns a linear map of prototypes and regions by cycle consistency (docs/adaptation.md). Images and "
               "texts are\n"
               "shuffled apart; a part of both is held out and decides when to stop, and whether to change anything.",
    .options =
        (const option[]){
            {"-o", "K2.mask", "file to write"},
            {"--images", "IMAGES", "images in any format that is read"},
            {"--texts", "FILE", "one text per line, or Karpathy JSON"},
            {"--split", "S", "of a precomp folder or a Karpathy JSON"},
            {"--vectors", "FILE", "word vectors for OOD words (default: the file the knowledge was learned with)"},
            {"--known-words", NULL, "learn from words with a prototype only"},
            TABLE(ADAPT, NULL, NULL),
            {0},
        },
    .run = run_adapt,
};
