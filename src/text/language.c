#include "text/language.h"

#include <string.h>
#include <utf8proc.h>

/* Words that are common in a language and are no English words. */
static const struct language {
    const char *name, *words;
} languages[] = {
    {"German", " ein eine einer einem einen der das und im auf mit ist nicht vor bei zwei ohne unter über "},
    {"French", " un une le les des et dans sur avec est qui du au aux sans deux sous près la chien "},
    {"Spanish", " el los las una y en con por sobre unos unas del sin dos junto niños la perro "},
    {"Italian", " il lo gli una e di che con nel nella sulla sul della del due senza cane "},
    {"Portuguese", " o os um uma e na em com sobre dois duas sem da das dos cachorro "},
    {"Dutch", " een het en op met van zonder twee naar onder bij "},
};

/* Scripts by their first and last code point. */
static const struct script {
    int32_t first, last;
    const char *name;
} scripts[] = {
    {0x370, 0x3ff, "Greek"},      {0x400, 0x52f, "written in Cyrillic letters"},
    {0x590, 0x5ff, "Hebrew"},     {0x600, 0x6ff, "Arabic"},
    {0x900, 0x97f, "Hindi"},      {0xe00, 0xe7f, "Thai"},
    {0x3040, 0x30ff, "Japanese"}, {0x4e00, 0x9fff, "Chinese or Japanese"},
    {0xac00, 0xd7a3, "Korean"},
};

static const char *script_of(const mask__token *token)
{
    int32_t point;
    for (utf8proc_ssize_t at = 0, step; at < (utf8proc_ssize_t)token->length; at += step) {
        step =
            utf8proc_iterate((const utf8proc_uint8_t *)token->text + at, (utf8proc_ssize_t)token->length - at, &point);
        if (step <= 0) return NULL;
        for (size_t s = 0; s < sizeof scripts / sizeof *scripts; s++)
            if (point >= scripts[s].first && point <= scripts[s].last) return scripts[s].name;
    }
    return NULL;
}

static bool among(const char *words, const mask__token *token)
{
    char wanted[34] = " ";
    if (token->length > 30) return false;
    memcpy(wanted + 1, token->text, token->length);
    memcpy(wanted + 1 + token->length, " ", 2);
    return strstr(words, wanted) != NULL;
}

const char *mask__language(const mask__tokens *tokens)
{
    const char *best = NULL;
    size_t most = 0, english = 0;
    for (size_t i = 0; i < tokens->count; i++) {
        const char *script = script_of(&tokens->items[i]);
        if (script) return script;
        english += mask__tokens_dropped(MASK_TOKENS_CAPTION, tokens->items[i].text, tokens->items[i].length) != NULL;
    }
    for (size_t l = 0; l < sizeof languages / sizeof *languages; l++) {
        size_t count = 0;
        for (size_t i = 0; i < tokens->count; i++) count += among(languages[l].words, &tokens->items[i]);
        if (count > most) best = languages[l].name;
        if (count > most) most = count;
    }
    return most > english ? best : NULL;
}
