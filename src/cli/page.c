#include "page.h"
#include "commands.h"
#include "reading.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PHOTO_SIDE = 480, COLOURS = 8 };

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1b1b;--paper:#fbfbf9;--soft:#6b6b6b;--line:#dcdcd6}"
    "@media(prefers-color-scheme:dark){:root{--ink:#ececec;--paper:#17181a;--soft:#a0a0a0;--line:#35373b}}"
    "body{margin:2rem auto;max-width:76rem;padding:0 1rem;font:16px/1.45 system-ui,sans-serif;color:var(--ink);"
    "background:var(--paper)}h1{font-size:1.5rem}h2{font-size:1.15rem;margin:2.2rem 0 .2rem}p{margin:.2rem 0 .8rem}"
    ".soft,figcaption{color:var(--soft);font-size:.9rem}.hits{display:grid;gap:1.2rem;"
    "grid-template-columns:repeat(auto-fill,minmax(15rem,1fr))}figure{margin:0}.photo{display:block;position:relative;"
    "line-height:0}"
    ".photo img{width:100%;height:auto;border-radius:4px}.photo svg{position:absolute;inset:0;width:100%;height:100%}"
    ".none{display:grid;place-items:center;height:10rem;border:1px solid var(--line);border-radius:4px;line-height:1.4}"
    "figcaption{margin-top:.35rem;overflow-wrap:anywhere}b{color:var(--ink);font-weight:600}"
    ".w{display:inline-block;margin:0 .5rem .1rem 0;white-space:nowrap}.w "
    "i{display:inline-block;width:.7em;height:.7em;"
    "border-radius:2px;margin-right:.3em}rect{fill:none;stroke-width:2;vector-effect:non-scaling-stroke}";
static const char *const colours[COLOURS] = {"#e4572e", "#2e86ab", "#3fa34d", "#c13cc1",
                                             "#e0a100", "#00a6a6", "#7a5cff", "#d1495b"};

static void put_text(FILE *file, const char *text)
{
    for (; *text; text++) {
        if (*text == '&') fputs("&amp;", file);
        else if (*text == '<') fputs("&lt;", file);
        else if (*text == '>') fputs("&gt;", file);
        else if (*text == '"') fputs("&quot;", file);
        else fputc(*text, file);
    }
}

static void put_base64(FILE *file, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        unsigned value = (unsigned)bytes[i] << 16;
        if (i + 1 < size) value |= (unsigned)bytes[i + 1] << 8;
        if (i + 2 < size) value |= bytes[i + 2];
        fputc(digits[value >> 18], file);
        fputc(digits[value >> 12 & 63], file);
        fputc(i + 1 < size ? digits[value >> 6 & 63] : '=', file);
        fputc(i + 2 < size ? digits[value & 63] : '=', file);
    }
}

int page_open(page *p, const char *path, const char *title)
{
    *p = (page){0};
    int result = output_open(&p->out, path);
    if (result) return result;
    fprintf(p->out.file, "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
                         "content=\"width=device-width,initial-scale=1\"><title>");
    put_text(p->out.file, title);
    fprintf(p->out.file, "</title><style>%s</style>\n<h1>", style);
    put_text(p->out.file, title);
    fprintf(p->out.file, "</h1>\n");
    return 0;
}

/* What became of the query's words, where there is something to say. */
static void put_reading(FILE *file, const mask_reading *reading)
{
    if (reading->language)
        fprintf(file, "<p class=\"soft\">The text seems to be %s: the words known here are English.</p>\n",
                reading->language);
    for (size_t i = 0; i < reading->count; i++) {
        const mask_word *word = &reading->words[i];
        bool guessed = word->kind == MASK_WORD_OOD;
        if (!guessed && !word_unused(word)) continue;
        fprintf(file, "<p class=\"soft\"><b>");
        put_text(file, word->token);
        fprintf(file, guessed ? "</b> was in no label; it is taken to look like" : "</b> was not used: ");
        for (size_t n = 0; guessed && n < word->neighbour_count && n < 6; n++) {
            fprintf(file, "%s ", n ? "," : "");
            put_text(file, word->neighbours[n].word);
            fprintf(file, " %.0f%%", 100 * (double)word->neighbours[n].weight);
        }
        if (!guessed) put_text(file, *word->reason ? word->reason : "nothing is known of this word");
        for (size_t s = 0; s < word->suggestion_count; s++) {
            fputs(s ? ", " : "; perhaps ", file);
            put_text(file, word->suggestions[s]);
        }
        fprintf(file, ".</p>\n");
    }
}

/* A path as the address of a file; letters that an address cannot hold are escaped. */
static void put_address(FILE *file, const char *path)
{
    char *whole = realpath(path, NULL);
    fputs("file://", file);
    for (const unsigned char *at = (const unsigned char *)(whole ? whole : path); *at; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') ||
                     strchr("/-_.~", *at);
        fprintf(file, plain ? "%c" : "%%%02X", *at);
    }
    free(whole);
}

void page_link(const char *path)
{
    put_address(stderr, path);
    fputc('\n', stderr);
}

static const char *word_of(const mask_results *results, const mask_hit_word *w)
{
    return results->readings[w->text].words[w->word].token;
}

static void put_boxes(FILE *file, const mask_results *results, const mask_hit *hit)
{
    if (!hit->width || !hit->height) return;
    fprintf(file, "<svg viewBox=\"0 0 %zu %zu\" preserveAspectRatio=\"none\">", hit->width, hit->height);
    for (size_t i = 0; i < hit->word_count; i++) {
        const mask_hit_word *w = &hit->words[i];
        if (!w->has_box) continue;
        fprintf(file, "<rect x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" stroke=\"%s\"><title>",
                (double)w->box[0], (double)w->box[1], (double)(w->box[2] - w->box[0]), (double)(w->box[3] - w->box[1]),
                colours[i % COLOURS]);
        put_text(file, word_of(results, w));
        fprintf(file, "</title></rect>");
    }
    fprintf(file, "</svg>");
}

/* The photo itself, if the hit's name is a picture that can be read. */
static void put_photo(page *p, const mask_results *results, const mask_hit *hit)
{
    unsigned char *jpeg = NULL;
    size_t size = 0;
    if (!hit->name || mask_photo_thumbnail(hit->name, PHOTO_SIDE, &jpeg, &size, NULL) != MASK_OK) {
        p->missing++;
        fprintf(p->out.file, "<div class=\"none soft\">no picture</div>");
        return;
    }
    fprintf(p->out.file, "<a class=\"photo\" href=\"");
    put_address(p->out.file, hit->name);
    fprintf(p->out.file, "\"><img alt=\"");
    put_text(p->out.file, hit->id);
    fprintf(p->out.file, "\" src=\"data:image/jpeg;base64,");
    put_base64(p->out.file, jpeg, size);
    fprintf(p->out.file, "\">");
    put_boxes(p->out.file, results, hit);
    fprintf(p->out.file, "</a>");
    free(jpeg);
}

void page_results(page *p, const char *const *texts, size_t count, const mask_results *results)
{
    fprintf(p->out.file, "<h2>");
    for (size_t i = 0; i < count; i++) {
        if (i) fputs(" + ", p->out.file);
        put_text(p->out.file, texts[i]);
    }
    fprintf(p->out.file, "</h2>\n<p class=\"soft\">%zu of %zu images, %.1f ms</p>\n", results->count, results->searched,
            1000 * results->seconds);
    for (size_t t = 0; t < results->reading_count; t++) put_reading(p->out.file, &results->readings[t]);
    if (nothing_sure(results)) fprintf(p->out.file, "<p>Nothing sure; the nearest are:</p>\n");
    fprintf(p->out.file, "<div class=\"hits\">\n");
    for (size_t h = 0; h < results->count; h++) {
        const mask_hit *hit = &results->hits[h];
        fprintf(p->out.file, "<figure>");
        put_photo(p, results, hit);
        fprintf(p->out.file, "<figcaption><b>%.2f</b> ", hit->score);
        if (!isnan(hit->confidence)) fprintf(p->out.file, "%.0f%% sure, ", 100 * (double)hit->confidence);
        put_text(p->out.file, hit->name ? hit->name : hit->id);
        fprintf(p->out.file, "<br>");
        for (size_t i = 0; i < hit->word_count; i++) {
            fprintf(p->out.file, "<span class=\"w\"><i style=\"background:%s\"></i>", colours[i % COLOURS]);
            put_text(p->out.file, word_of(results, &hit->words[i]));
            fprintf(p->out.file, " %+.1f</span>", (double)hit->words[i].score);
        }
        fprintf(p->out.file, "</figcaption></figure>\n");
    }
    fprintf(p->out.file, "</div>\n");
}

int page_close(page *p)
{
    return output_close(&p->out);
}

void page_abort(page *p)
{
    output_abort(&p->out);
}
