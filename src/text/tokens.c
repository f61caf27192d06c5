/* Texts to tokens, and the words that are never looked up.
 *
 * The CAPTION rule gives what NLTK's word_tokenize gives (Penn Treebank conventions with NLTK's additions), but as one
 * scanner instead of forty substitutions: a text is first folded (case, Unicode quotes, dashes and spaces), then cut
 * into marks that always stand alone and the words between them, and each word is cut once more at its clitics ("do
 * n't", "man 's") and contractions ("can not"). The LETTERS rule is the plain reference's runs of a-z.
 * It refuses text that is not UTF-8, and to guess: there is no sentence model, only a list of abbreviations. */
#include "text/tokens.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

typedef struct listed_word {
    const char *word, *reason;
} listed_word;

/* Written by cmake/embed.cmake from data/stopwords.txt and data/nonvisual.txt, sorted by bytes. */
static const listed_word stop_words[] = {
#include "stopwords.inc"
};
static const listed_word nonvisual_words[] = {
#include "nonvisual.inc"
};

/* A period behind these does not end a sentence, nor behind single letters ("u.s."). */
static const char *const abbreviations[] = {"mr",  "mrs",  "ms",  "dr",  "st",   "jr",  "sr",   "prof", "rev",
                                            "gen", "col",  "lt",  "sgt", "capt", "gov", "rep",  "sen",  "vs",
                                            "ave", "blvd", "inc", "co",  "corp", "ltd", "bros", "ph.d"};

/* ---- Folding ------------------------------------------------------------------------------------------------ */

static mask_status not_utf8(size_t at, mask_error *err)
{
    return mask__fail_at(err, MASK_EFORMAT, at, "text: byte %zu: this is not UTF-8: convert it (iconv -t utf-8)", at);
}

static mask_status check_utf8(const char *text, size_t length, bool *ascii, mask_error *err)
{
    *ascii = true;
    for (size_t at = 0; at < length;) {
        int32_t code;
        utf8proc_ssize_t used = utf8proc_iterate((const uint8_t *)text + at, (utf8proc_ssize_t)(length - at), &code);
        if (used <= 0) return not_utf8(at, err);
        if (code >= 0x80) *ascii = false;
        at += (size_t)used;
    }
    return MASK_OK;
}

/* What the scanner reads in place of a code point, never longer than its UTF-8; NULL = itself. */
static const char *respelled(int32_t code)
{
    switch (code) {
    case 0x2019: /* ’ */
    case 0x201B: /* ‛ */
    case 0x2032: /* ′ */
    case 0x02BC: /* ʼ */
    case 0x00B4: /* ´ */
        return "'";
    case 0x2018: /* ‘ */
        return "`";
    case 0x201C: /* “ */
    case 0x201E: /* „ */
    case 0x00AB: /* « */
        return "``";
    case 0x201D: /* ” */
    case 0x00BB: /* » */
        return "\"";
    case 0x2010: /* hyphen */
    case 0x2011: /* non-breaking hyphen */
    case 0x2212: /* minus */
        return "-";
    case 0x2013: /* – */
    case 0x2014: /* — */
    case 0x2015: /* ― */
        return "--";
    case 0x2026: /* … */
        return "...";
    }
    switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return " ";
    default:
        return NULL;
    }
}

/* Respells a case-folded text into tokens->bytes, ending it with a NUL that occurs nowhere else. */
static mask_status respell(mask__tokens *tokens, const char *text, size_t length, mask_error *err)
{
    if (length == SIZE_MAX || !mask__grow(&tokens->bytes, &tokens->bytes_capacity, length + 1, 1))
        return mask__no_memory(err, "a text's tokens");
    char *out = tokens->bytes;
    for (size_t at = 0; at < length;) {
        int32_t code;
        size_t used = (size_t)utf8proc_iterate((const uint8_t *)text + at, (utf8proc_ssize_t)(length - at), &code);
        const char *instead = respelled(code);
        if (instead) out = stpcpy(out, instead);
        else if (used == 1) *out++ = (char)(code >= 'A' && code <= 'Z' ? code - 'A' + 'a' : code);
        else out = mempcpy(out, text + at, used);
        at += used;
    }
    *out = 0;
    tokens->bytes_used = (size_t)(out - tokens->bytes);
    return MASK_OK;
}

static mask_status fold(mask__tokens *tokens, const char *text, size_t length, mask_error *err)
{
    bool ascii;
    MASK__TRY(check_utf8(text, length, &ascii, err));
    if (ascii) return respell(tokens, text, length, err);
    uint8_t *folded;
    /* Composed, since word vectors spell "é" as one code point; without soft hyphens and zero-width marks. */
    utf8proc_ssize_t size = utf8proc_map((const uint8_t *)text, (utf8proc_ssize_t)length, &folded,
                                         UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_IGNORE | UTF8PROC_CASEFOLD);
    if (size < 0) return mask__no_memory(err, "a text's case folding");
    mask_status status = respell(tokens, (const char *)folded, (size_t)size, err);
    free(folded);
    return status;
}

/* ---- The CAPTION scanner -------------------------------------------------------------------------------------- */

static bool add(mask__tokens *tokens, const char *text, size_t length)
{
    if (!mask__grow(&tokens->items, &tokens->item_capacity, tokens->count + 1, sizeof *tokens->items)) return false;
    tokens->items[tokens->count++] = (mask__token){text, length};
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_word(char c)
{
    return is_letter(c) || is_digit(c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

/* "'a dog": an apostrophe before one lone letter stands alone, unless the letter may be its clitic. */
static bool lone_letter_follows(const char *text)
{
    if (!is_word(*text) || is_one_of(*text, "mtsdn")) return false;
    do text++;
    while (((unsigned char)*text & 0xC0) == 0x80);
    return !is_word(*text);
}

/* Whether the word that ends before `at` is an abbreviation: listed, or letters with periods between ("u.s"). */
static bool is_abbreviation(const char *text, size_t at)
{
    size_t from = at;
    while (from > 0 && (is_letter(text[from - 1]) || text[from - 1] == '.')) from--;
    from += strspn(text + from, ".");
    if (from > 0 && (is_word(text[from - 1]) || text[from - 1] == '\'')) return false; /* "the boy's." */
    for (size_t i = 0; i < sizeof abbreviations / sizeof *abbreviations; i++)
        if (strlen(abbreviations[i]) == at - from && memcmp(abbreviations[i], text + from, at - from) == 0) return true;
    bool letters = at > from;
    for (size_t i = from; i < at; i++) letters = letters && (text[i] == '.') == ((i - from) % 2 == 1);
    return letters;
}

/* A period ends a sentence at the end of the text, whatever the word; before other words unless it abbreviates. */
static bool ends_sentence(const char *text, size_t at)
{
    if (at == 0) return false;
    if (text[at + 1 + strspn(text + at + 1, "])}>\"' ")] == 0) return true;
    return is_one_of(text[at + 1], " )\";}]*:@'({[!?") && !is_abbreviation(text, at);
}

/* Bytes of the mark at `at` that is a token whatever is around it, 0 when a word begins or goes on there. */
static size_t mark_length(const char *text, size_t at)
{
    const char *here = text + at;
    switch (*here) {
    case ',':
    case ':':
        return !is_digit(here[1]); /* "3,000" and "10:30" are words */
    case '`':
        return here[1] == '`' ? 2 : 1;
    case '-':
        return here[1] == '-' ? 2 : 0;
    case '\'':
        return here[1] == '\'' ? 2 : lone_letter_follows(here + 1);
    case '.':
        return here[1] == '.' ? strspn(here, ".") : ends_sentence(text, at);
    default:
        return is_one_of(*here, ";@#$%&?!*()[]{}<>\"");
    }
}

/* Double quotes become `` where they open and '' where they close, as in the Penn Treebank. */
static bool add_mark(mask__tokens *tokens, const char *text, size_t at, size_t length)
{
    bool doubled = text[at] == '\'' && length == 2;
    if (text[at] != '"' && !doubled) return add(tokens, text + at, length);
    bool opens = at == 0 ? !doubled : is_one_of(text[at - 1], " ([{<`");
    return add(tokens, opens ? "``" : "''", 2);
}

/* Bytes of the clitic a word ends with, 0 when there is none or nothing would be left of the word. */
static size_t clitic_length(const char *word, size_t length, const char *const clitics[4])
{
    for (size_t i = 0; i < 4 && clitics[i]; i++) {
        size_t size = strlen(clitics[i]);
        if (length > size && word[length - size - 1] != '\'' && memcmp(word + length - size, clitics[i], size) == 0)
            return size;
    }
    return 0;
}

typedef enum place { ANYWHERE, AT_START, AT_END } place;

/* Two words written as one; `first` is where to cut. */
static const struct contraction {
    const char *text;
    size_t first;
    place place;
} contractions[] = {
    {"cannot", 3, ANYWHERE}, {"d'ye", 1, ANYWHERE},  {"gimme", 3, ANYWHERE}, {"gonna", 3, ANYWHERE},
    {"gotta", 3, ANYWHERE},  {"lemme", 3, ANYWHERE}, {"wanna", 3, AT_END},   {"more'n", 4, ANYWHERE},
    {"'tis", 2, AT_START},   {"'twas", 2, AT_START},
};

static const struct contraction *contraction_at(const char *word, size_t length, size_t at)
{
    for (size_t i = 0; i < sizeof contractions / sizeof *contractions; i++) {
        const struct contraction *c = &contractions[i];
        size_t end = at + strlen(c->text);
        if (end > length || memcmp(word + at, c->text, end - at) != 0) continue;
        if (end < length && (c->place == AT_END || is_word(word[end]))) continue;
        if (at > 0 && (c->place == AT_START || is_word(word[at - 1]))) continue;
        return c;
    }
    return NULL;
}

/* A word without its clitics, cut at contractions; they may be parts of it ("cannot-do"). */
static bool add_stem(mask__tokens *tokens, const char *word, size_t length)
{
    for (size_t at = 0; at < length; at++) {
        const struct contraction *c = contraction_at(word, length, at);
        if (!c) continue;
        size_t end = at + strlen(c->text);
        return (at == 0 || add(tokens, word, at)) && add(tokens, word + at, c->first) &&
               add(tokens, word + at + c->first, end - at - c->first) && add_stem(tokens, word + end, length - end);
    }
    return length == 0 || add(tokens, word, length);
}

/* Cuts off, from the end: a closing apostrophe, one of 's 'm 'd, one of 'll 're 've n't ("they'd've" keeps 'd). */
static bool add_word(mask__tokens *tokens, const char *word, size_t length)
{
    static const char *const inner[4] = {"'ll", "'re", "'ve", "n't"}, *const outer[4] = {"'s", "'m", "'d"},
                             *const last[4] = {"'"};
    size_t end = length - clitic_length(word, length, last);
    size_t middle = end - clitic_length(word, end, outer);
    size_t stem = middle - clitic_length(word, middle, inner);
    return add_stem(tokens, word, stem) && (middle == stem || add(tokens, word + stem, middle - stem)) &&
           (end == middle || add(tokens, word + middle, end - middle)) &&
           (length == end || add(tokens, word + end, length - end));
}

static mask_status split_caption(mask__tokens *tokens, const char *text, size_t length, mask_error *err)
{
    MASK__TRY(fold(tokens, text, length, err));
    const char *bytes = tokens->bytes;
    bool added = true;
    for (size_t at = 0; bytes[at] && added;) {
        size_t from = at, mark = 0;
        while (bytes[at] && bytes[at] != ' ' && (mark = mark_length(bytes, at)) == 0) at++;
        if (at > from) added = add_word(tokens, bytes + from, at - from);
        if (mark) added = added && add_mark(tokens, bytes, at, mark);
        at += mark ? mark : bytes[at] == ' ';
    }
    return added ? MASK_OK : mask__no_memory(err, "a text's tokens");
}

/* ---- The LETTERS rule ----------------------------------------------------------------------------------------- */

/* The a-z a code point becomes in lower case, 0 when it becomes something else. */
static char lower_letter(int32_t code)
{
    if (code >= 'A' && code <= 'Z') return (char)(code - 'A' + 'a');
    if (code >= 'a' && code <= 'z') return (char)code;
    return code == 0x212A ? 'k' : 0; /* the Kelvin sign */
}

static mask_status split_letters(mask__tokens *tokens, const char *text, size_t length, mask_error *err)
{
    if (length == SIZE_MAX || !mask__grow(&tokens->bytes, &tokens->bytes_capacity, length + 1, 1))
        return mask__no_memory(err, "a text's tokens");
    size_t begin = 0, end = 0; /* of the run in bytes */
    for (size_t at = 0; at <= length;) {
        int32_t code = 0;
        utf8proc_ssize_t used = 1;
        if (at < length) used = utf8proc_iterate((const uint8_t *)text + at, (utf8proc_ssize_t)(length - at), &code);
        if (used <= 0) return not_utf8(at, err);
        at += (size_t)used;
        char letter = lower_letter(code);
        if (letter) {
            tokens->bytes[end++] = letter;
            continue;
        }
        if (code == 0x130) tokens->bytes[end++] = 'i'; /* İ is i and a combining dot, which ends the run */
        if (end - begin > 1 && !add(tokens, tokens->bytes + begin, end - begin))
            return mask__no_memory(err, "a text's tokens");
        begin = end;
    }
    tokens->bytes_used = end;
    return MASK_OK;
}

mask_status mask__tokens_split(mask__tokens *tokens, mask_tokens rule, const char *text, size_t length, mask_error *err)
{
    tokens->count = tokens->bytes_used = 0;
    mask_status status = rule == MASK_TOKENS_LETTERS ? split_letters(tokens, text, length, err)
                                                     : split_caption(tokens, text, length, err);
    if (status != MASK_OK) tokens->count = 0;
    return status;
}

void mask__tokens_free(mask__tokens *tokens)
{
    free(tokens->items);
    free(tokens->bytes);
    *tokens = (mask__tokens){0};
}

/* ---- Words that are never looked up --------------------------------------------------------------------------- */

typedef struct word_key {
    const char *text;
    size_t length;
} word_key;

static int compare_listed(const void *key, const void *element)
{
    const word_key *k = key;
    const char *word = ((const listed_word *)element)->word;
    int order = strncmp(k->text, word, k->length);
    return order ? order : -(word[k->length] != 0);
}

static const char *listed_reason(const listed_word *list, size_t count, const char *token, size_t length)
{
    const listed_word *found = bsearch(&(word_key){token, length}, list, count, sizeof *list, compare_listed);
    return found ? found->reason : NULL;
}

static bool has_letter(const char *token, size_t length)
{
    for (size_t at = 0; at < length;) {
        int32_t code;
        utf8proc_ssize_t used = utf8proc_iterate((const uint8_t *)token + at, (utf8proc_ssize_t)(length - at), &code);
        if (used <= 0) return false;
        utf8proc_category_t category = utf8proc_category(code);
        if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) return true;
        at += (size_t)used;
    }
    return false;
}

const char *mask__tokens_dropped(mask_tokens rule, const char *token, size_t length)
{
    const char *reason = listed_reason(stop_words, sizeof stop_words / sizeof *stop_words, token, length);
    if (reason || rule == MASK_TOKENS_LETTERS) return reason;
    if (!has_letter(token, length)) return "no letter";
    return listed_reason(nonvisual_words, sizeof nonvisual_words / sizeof *nonvisual_words, token, length);
}
