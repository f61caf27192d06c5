/* The report of mask reproduce: one HTML page without scripts or other files, and the same numbers as JSON. */
#include "reproduce.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1d2129;--soft:#5d6675;--line:#d5dae3;--paper:#fff;--ours:#0b63c5}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#9aa4b5;--line:#3a4252;--paper:#14171d;--ours:#"
    "6db0ff}}\n"
    "body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:62rem;margin:2rem "
    "auto;padding:0 1rem}\n"
    "h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem}p,dd{color:var(--soft)}dt{float:left;clear:left;width:"
    "11rem}\n"
    "dd{margin:0 0 0 11rem;overflow-wrap:anywhere}.scroll{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;width:100%}\n"
    "th,td{padding:.3rem .5rem;border-bottom:1px solid var(--line);text-align:right}\n"
    "th:first-child,td:first-child{text-align:left}th{font-weight:600}.paper td{color:var(--soft)}\n"
    "svg{width:100%;max-width:40rem;height:auto}svg text{font:12px system-ui,sans-serif;fill:var(--soft)}\n";

static void escape(FILE *out, const char *text)
{
    for (; *text; text++) switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            putc(*text, out);
        }
}

static void fact(FILE *out, const char *name, const char *value)
{
    fprintf(out, "<dt>%s</dt><dd>", name);
    escape(out, value);
    fprintf(out, "</dd>\n");
}

static void head(FILE *out, const repro_run *run)
{
    char text[256];
    fprintf(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
        "<title>MASK on %s</title>\n<style>\n%s</style></head><body>\n<h1>MASK on %s</h1>\n"
        "<p>Recalls in percent, Rs their sum. No caption's pairing with an image was used but to count.</p>\n<dl>\n",
        run->title, style, run->title);
    fact(out, "Data", run->data);
    snprintf(text, sizeof text, "%s: %zu images, %zu captions", run->split, run->images, run->texts);
    fact(out, "Split", text);
    snprintf(text, sizeof text, "%zu words from %zu labelled regions (the paper: 12,385 words, 3.8 million regions)",
             run->words, run->regions);
    fact(out, "Knowledge", text);
    snprintf(text, sizeof text, "%zu epochs (the paper: 400)", run->epochs);
    fact(out, "Training", run->epochs ? text : "left out (--epochs 0)");
    fact(out, "Word vectors", run->vectors);
    fact(out, "Base of re-ranking", run->base);
    fprintf(out, "</dl>\n");
}

static void cells(FILE *out, const double *values, bool papers)
{
    for (size_t i = 0; i < STEP_VALUES; i++) {
        if (values[i] > 0 || !papers) fprintf(out, "<td>%.1f</td>", values[i]);
        else fprintf(out, "<td></td>"); /* not reported */
    }
}

static const double *reported(const repro_run *run, const repro_step *step)
{
    const double *values = run->paper >= 0 ? step->paper[run->paper] : NULL;
    return values && values[STEP_VALUES - 1] > 0 ? values : NULL;
}

static void table(FILE *out, const repro_run *run, const repro_section *section)
{
    fprintf(out, "<div class=\"scroll\"><table><thead><tr><th></th><th>t2i R@1</th><th>5</th><th>10</th><th>i2t "
                 "R@1</th><th>5</th>"
                 "<th>10</th><th>Rs</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < repro_step_count; i++) {
        const repro_step *step = &repro_steps[i];
        if (strcmp(step->section, section->id) != 0 || !run->results[i].done) continue;
        fprintf(out, "<tr><td>");
        escape(out, step->name);
        fprintf(out, "</td>");
        cells(out, run->results[i].values, false);
        fprintf(out, "</tr>\n");
        if (!reported(run, step)) continue;
        fprintf(out, "<tr class=\"paper\"><td>the paper</td>");
        cells(out, reported(run, step), true);
        fprintf(out, "</tr>\n");
    }
    fprintf(out, "</tbody></table></div>\n");
}

typedef struct plot {
    size_t count;
    double x[32], y[32], low, high;
} plot;

static plot gather(const repro_run *run, const repro_section *section)
{
    plot p = {.low = 1e9, .high = -1e9};
    for (size_t i = 0; i < repro_step_count && p.count < sizeof p.x / sizeof *p.x; i++) {
        const repro_step *step = &repro_steps[i];
        if (strcmp(step->section, section->id) != 0 || !run->results[i].done) continue;
        double y = run->results[i].values[STEP_VALUES - 1];
        p.x[p.count] = step->match == MATCH_RERANK && strcmp(section->id, "k") == 0 ? (double)step->k : step->x;
        p.y[p.count++] = y;
        if (y < p.low) p.low = y;
        if (y > p.high) p.high = y;
    }
    if (p.high - p.low < 1) p.high = p.low + 1; /* noise is not stretched to a mountain */
    return p;
}

/* Points at equal distances, whatever x is: sweeps are chosen to be read so. */
static void draw(FILE *out, const repro_run *run, const repro_section *section)
{
    enum { LEFT = 50, RIGHT = 620, TOP = 15, BOTTOM = 175 };
    plot p = gather(run, section);
    if (p.count < 2) return;
    double step = (double)(RIGHT - LEFT) / (double)(p.count - 1), scale = (BOTTOM - TOP) / (p.high - p.low);
    fprintf(out, "<svg viewBox=\"0 0 640 215\" role=\"img\"><title>Rs over %s</title>\n<g stroke=\"var(--line)\">",
            section->sweep);
    for (int i = 0; i <= 4; i++) {
        int y = TOP + i * (BOTTOM - TOP) / 4;
        fprintf(out, "<path d=\"M%d %dH%d\"/>", LEFT, y, RIGHT);
    }
    fprintf(out, "</g>\n");
    for (int i = 0; i <= 4; i += 2)
        fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.1f</text>", LEFT - 8,
                TOP + i * (BOTTOM - TOP) / 4 + 4, p.high - i * (p.high - p.low) / 4);
    fprintf(out, "\n<polyline fill=\"none\" stroke=\"var(--ours)\" stroke-width=\"2\" points=\"");
    for (size_t i = 0; i < p.count; i++)
        fprintf(out, "%.1f,%.1f ", LEFT + (double)i * step, BOTTOM - (p.y[i] - p.low) * scale);
    fprintf(out, "\"/>\n");
    for (size_t i = 0; i < p.count; i++)
        fprintf(out,
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"var(--ours)\"><title>%g: %.1f</title></circle>"
                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n",
                LEFT + (double)i * step, BOTTOM - (p.y[i] - p.low) * scale, p.x[i], p.y[i], LEFT + (double)i * step,
                BOTTOM + 18, p.x[i]);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text></svg>\n", RIGHT, BOTTOM + 36, section->sweep);
}

static bool has_results(const repro_run *run, const repro_section *section)
{
    for (size_t i = 0; i < repro_step_count; i++)
        if (run->results[i].done && strcmp(repro_steps[i].section, section->id) == 0) return true;
    return false;
}

static void page(FILE *out, const repro_run *run)
{
    head(out, run);
    for (size_t i = 0; i < repro_section_count; i++) {
        const repro_section *section = &repro_sections[i];
        if (!has_results(run, section)) continue;
        fprintf(out, "<h2>%s</h2>\n<p>%s</p>\n", section->title, section->text);
        table(out, run, section);
        if (section->sweep) draw(out, run, section);
    }
    fprintf(out, "<p>Made by mask %s.</p>\n</body></html>\n", mask_version());
}

static json_t *numbers(const double *values)
{
    json_t *out = json_array();
    for (size_t i = 0; i < STEP_VALUES; i++)
        json_array_append_new(out, values[i] > 0 ? json_real(values[i]) : json_null());
    return out;
}

static json_t *steps_json(const repro_run *run)
{
    json_t *list = json_array();
    for (size_t i = 0; i < repro_step_count; i++) {
        const repro_step *step = &repro_steps[i];
        const repro_result *result = &run->results[i];
        if (!result->done) continue;
        json_t *values = json_array();
        for (size_t v = 0; v < STEP_VALUES; v++) json_array_append_new(values, json_real(result->values[v]));
        json_t *one = json_pack("{s:s, s:s, s:s, s:f, s:o, s:f}", "section", step->section, "id", step->id, "name",
                                step->name, "x", step->x, "values", values, "seconds", result->seconds);
        if (step->k) json_object_set_new(one, "k", json_integer((json_int_t)step->k));
        if (reported(run, step)) json_object_set_new(one, "paper", numbers(reported(run, step)));
        json_array_append_new(list, one);
    }
    return list;
}

/* "report.html" -> "report.json" */
static void json_name(const char *path, char *out, size_t size)
{
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    int length = dot && dot > slash && dot != path ? (int)(dot - path) : (int)strlen(path);
    snprintf(out, size, "%.*s.json", length, path);
}

int report_write(const repro_run *run, const char *path)
{
    char json_path[4200];
    output out;
    int result = output_open(&out, path);
    if (result) return result;
    page(out.file, run);
    if ((result = output_close(&out)) != 0) return result;
    json_name(path, json_path, sizeof json_path);
    json_t *columns =
        json_pack("[s,s,s,s,s,s,s]", "t2i R@1", "t2i R@5", "t2i R@10", "i2t R@1", "i2t R@5", "i2t R@10", "Rs");
    return output_json(json_path, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:o, s:o}", "dataset",
                                            run->dataset, "split", run->split, "data", run->data, "images",
                                            (json_int_t)run->images, "texts", (json_int_t)run->texts, "regions",
                                            (json_int_t)run->regions, "words", (json_int_t)run->words, "epochs",
                                            (json_int_t)run->epochs, "vectors", run->vectors, "base", run->base,
                                            "columns", columns, "steps", steps_json(run)));
}
