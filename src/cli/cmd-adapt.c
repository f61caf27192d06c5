/* mask adapt. */
#include "commands.h"

#include <stdio.h>

static int finish(args *a, const mask_knowledge *adapted, const char *out, const mask_adapt_report *r)
{
    if (mask_knowledge_save(adapted, out, &a->err) != MASK_OK) return failed(&a->err);
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
    mask_knowledge *adapted;
    mask_adapt_options o = mask_adapt_defaults();
    mask_adapt_report report;
    const char *out = args_text(a, "-o", NULL);
    int bad = args_options(a, MASK_OPTIONS_ADAPT, &o);
    if (!bad) bad = check_output(out);
    if (!bad) bad = open_knowledge(a, a->positional[0]);
    if (bad) return bad;
    mask_match_options match = mask_match_defaults(a->knowledge);
    if (args_has(a, "--known-words")) match.ood = MASK_OOD_OFF;
    bad = open_vectors(a, &match);
    if (!bad) bad = open_images(a, args_text(a, "--images", NULL));
    if (!bad) bad = open_texts(a, args_text(a, "--texts", NULL));
    if (bad) return bad;
    if (mask_knowledge_adapt(&adapted, a->knowledge, a->vectors, a->images, a->texts, &o, &report, &a->run, &a->err) !=
        MASK_OK)
        return failed(&a->err);
    bad = finish(a, adapted, out, &report);
    mask_knowledge_close(adapted);
    return bad;
}

const command command_adapt = {
    .name = "adapt",
    .positional = "K.mask",
    .summary = "Fit a knowledge to a domain with unpaired images and texts of it",
    .details = "Learns a linear map of prototypes and regions by cycle consistency (docs/adaptation.md). Images and "
               "texts are\n"
               "shuffled apart; a part of both is held out and decides when to stop, and whether to change anything.",
    .examples = "mask adapt mine.mask --images new_ims.npy --texts new.txt -o adapted.mask",
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
    .needed = "-o --images --texts",
    .run = run_adapt,
};
