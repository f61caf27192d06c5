/* Conditions over metadata, from SQLite's language to ClickHouse's (remote.h). What both say alike passes: comparisons,
 * AND, OR, NOT, IN, BETWEEN, LIKE, IS NULL, sums and products, and a few functions. What is NULL is neither true nor
 * false; engines differ in how far they follow it, so what is true and what is false are said apart, as 0 or 1. The
 * rest is refused, for it would mean something else there: subqueries, division, other functions, a text beside a
 * number. SQLite itself has a look first, so that its messages are those of any gallery. */
#include "gallery/database.h"
#include "search/remote.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEEPEST = 100 };
typedef enum { NUMBER, TEXT, TRUTH } type;

typedef struct expression {
    const char *sql, *no; /* of a TRUTH: that it is true, and that it is false */
    type type;
} expression;

typedef struct parser {
    const char *condition, *at;
    sqlite3_stmt *columns; /* MASK__IMAGE_ROWS */
    mask__arena arena;
    size_t depth;
    mask_error *err;
} parser;

static mask_status refuse(parser *p, const char *why)
{
    return mask__fail(
        p->err, MASK_EINVAL,
        "'%.200s': in ClickHouse %s (near '%.20s'): docs/clickhouse.md says what a condition may hold there",
        p->condition, why, p->at);
}

static mask_status form(parser *p, expression *out, type of, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static mask_status form(parser *p, expression *out, type of, const char *format, ...)
{
    va_list list;
    char *text;
    va_start(list, format);
    int length = vasprintf(&text, format, list);
    va_end(list);
    *out = (expression){.sql = length < 0 ? NULL : mask__arena_text(&p->arena, text, (size_t)length), .type = of};
    if (length >= 0) free(text);
    return out->sql ? MASK_OK : mask__no_memory(p->err, "a condition");
}

/* From what may be NULL. */
static mask_status form_truth(parser *p, expression *out, const char *sql)
{
    expression no;
    MASK__TRY(form(p, &no, TRUTH, "ifNull(NOT (%s), 0)", sql));
    MASK__TRY(form(p, out, TRUTH, "ifNull(%s, 0)", sql));
    out->no = no.sql;
    return MASK_OK;
}

static void deny(expression *x)
{
    const char *sql = x->sql;
    x->sql = x->no;
    x->no = sql;
}

/* ---- Tokens ---- */

static void skip(parser *p)
{
    while (isspace((unsigned char)*p->at)) p->at++;
}

static bool is_letter(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool take_word(parser *p, const char *word)
{
    size_t length = strlen(word);
    skip(p);
    if (strncasecmp(p->at, word, length) != 0 || is_letter(p->at[length])) return false;
    p->at += length;
    return true;
}

static bool take_sign(parser *p, const char *sign)
{
    skip(p);
    if (strncmp(p->at, sign, strlen(sign)) != 0) return false;
    p->at += strlen(sign);
    return true;
}

/* 'it''s', without its quotes. */
static mask_status take_text(parser *p, char quote, char **out)
{
    size_t length = 0;
    char *text = mask__arena_alloc(&p->arena, strlen(p->at) + 1, 1);
    if (!text) return mask__no_memory(p->err, "a condition");
    for (p->at++; *p->at && (*p->at != quote || p->at[1] == quote); p->at++) {
        text[length++] = *p->at;
        if (*p->at == quote) p->at++;
    }
    if (!*p->at++) return refuse(p, "a quote must be closed");
    *out = text;
    return MASK_OK;
}

static mask_status form_text(parser *p, expression *out, const char *text)
{
    mask__bytes quoted = {0};
    mask__remote_text(&quoted, text, strlen(text));
    mask_status status = form(p, out, TEXT, "%s", mask__bytes_text(&quoted));
    mask__bytes_free(&quoted);
    return status;
}

/* ---- Grammar ---- */

static mask_status parse_truth(parser *p, expression *out, int level);
static mask_status parse_sum(parser *p, expression *out);

static mask_status form_column(parser *p, expression *out, const char *name)
{
    for (int i = 1; i < sqlite3_column_count(p->columns); i++) {
        const char *known = sqlite3_column_name(p->columns, i);
        if (strcasecmp(known, name) == 0)
            return form(p, out, mask__holds_numbers(p->columns, i) ? NUMBER : TEXT, "`%s`", known);
    }
    return refuse(p, "a name must be that of a column");
}

static mask_status parse_function(parser *p, expression *out, const char *name)
{
    static const struct {
        const char *name, *there;
        type takes, gives;
    } one[] = {{"lower", "lower", TEXT, TEXT},
               {"upper", "upper", TEXT, TEXT},
               {"length", "lengthUTF8", TEXT, NUMBER},
               {"abs", "abs", NUMBER, NUMBER}};
    expression x, y;
    MASK__TRY(parse_sum(p, &x));
    for (size_t i = 0; i < sizeof one / sizeof *one; i++)
        if (strcasecmp(name, one[i].name) == 0) {
            if (x.type != one[i].takes || !take_sign(p, ")")) return refuse(p, "this function takes another value");
            return form(p, out, one[i].gives, "%s(%s)", one[i].there, x.sql);
        }
    if (strcasecmp(name, "coalesce") != 0 && strcasecmp(name, "ifnull") != 0)
        return refuse(p, "only lower, upper, length, abs and coalesce are known");
    if (!take_sign(p, ",")) return refuse(p, "coalesce takes two values");
    MASK__TRY(parse_sum(p, &y));
    if (x.type != y.type || x.type == TRUTH || !take_sign(p, ")"))
        return refuse(p, "coalesce takes two values of one type");
    return form(p, out, x.type, "ifNull(%s, %s)", x.sql, y.sql);
}

static mask_status parse_value(parser *p, expression *out)
{
    char *text, *end;
    skip(p);
    if (take_sign(p, "(")) {
        if (++p->depth > DEEPEST) return refuse(p, "parentheses must not be so deep");
        MASK__TRY(parse_truth(p, out, 0));
        p->depth--;
        return take_sign(p, ")") ? MASK_OK : refuse(p, "a parenthesis must be closed");
    }
    if (*p->at == '\'') {
        MASK__TRY(take_text(p, '\'', &text));
        return form_text(p, out, text);
    }
    if (*p->at == '"' || *p->at == '`') {
        MASK__TRY(take_text(p, *p->at, &text));
        return form_column(p, out, text);
    }
    if (isdigit((unsigned char)*p->at) || *p->at == '.') {
        double value = strtod(p->at, &end);
        if (end == p->at || is_letter(*end) || strpbrk(p->at, "xX") == p->at + 1) return refuse(p, "this is no number");
        p->at = end;
        return form(p, out, NUMBER, "%.17g", value);
    }
    const char *begin = p->at;
    while (is_letter(*p->at)) p->at++;
    if (p->at == begin) return refuse(p, "a value must stand here");
    text = mask__arena_text(&p->arena, begin, (size_t)(p->at - begin));
    if (!text) return mask__no_memory(p->err, "a condition");
    return take_sign(p, "(") ? parse_function(p, out, text) : form_column(p, out, text);
}

static mask_status parse_unary(parser *p, expression *out)
{
    if (!take_sign(p, "-")) return parse_value(p, out);
    if (++p->depth > DEEPEST) return refuse(p, "signs must not be so many");
    MASK__TRY(parse_unary(p, out));
    p->depth--;
    return out->type == NUMBER ? form(p, out, NUMBER, "negate(%s)", out->sql) : refuse(p, "only a number has a sign");
}

/* Level 0 adds what level 1 multiplies. */
static mask_status parse_numbers(parser *p, expression *out, int level)
{
    static const char *const signs[] = {"+-", "*"};
    expression y;
    if (level == 2) return parse_unary(p, out);
    MASK__TRY(parse_numbers(p, out, level + 1));
    for (skip(p); *p->at && strchr(signs[level], *p->at); skip(p)) {
        char sign = *p->at++;
        MASK__TRY(parse_numbers(p, &y, level + 1));
        if (out->type != NUMBER || y.type != NUMBER) return refuse(p, "only numbers are added and multiplied");
        MASK__TRY(form(p, out, NUMBER, "(%s %c %s)", out->sql, sign, y.sql));
    }
    return MASK_OK;
}

static mask_status parse_sum(parser *p, expression *out)
{
    return parse_numbers(p, out, 0);
}

static mask_status form_comparison(parser *p, expression *out, expression x, const char *sign, expression y)
{
    if (x.type != y.type || x.type == TRUTH)
        return refuse(p, "numbers are compared with numbers, and texts with texts in quotes");
    MASK__TRY(form(p, out, TRUTH, "%s %s %s", x.sql, sign, y.sql));
    return form_truth(p, out, out->sql);
}

static mask_status form_pair(parser *p, expression *out, expression x, const char *word, expression y)
{
    expression no;
    if (x.type != TRUTH || y.type != TRUTH) return refuse(p, "AND and OR stand between comparisons");
    MASK__TRY(form(p, &no, TRUTH, "(%s %s %s)", x.no, *word == 'A' ? "OR" : "AND", y.no));
    MASK__TRY(form(p, out, TRUTH, "(%s %s %s)", x.sql, word, y.sql));
    out->no = no.sql;
    return MASK_OK;
}

/* In SQLite LIKE does not tell large letters from small, of ASCII, and no character escapes another. */
static mask_status parse_like(parser *p, expression *out, expression x)
{
    char *text;
    expression pattern;
    skip(p);
    if (*p->at != '\'' || x.type != TEXT) return refuse(p, "LIKE compares a text with a pattern in quotes");
    MASK__TRY(take_text(p, '\'', &text));
    if (take_word(p, "ESCAPE")) return refuse(p, "LIKE has no ESCAPE");
    char *there = mask__arena_alloc(&p->arena, 2 * strlen(text) + 1, 1), *to = there;
    if (!there) return mask__no_memory(p->err, "a condition");
    for (; *text; text++) {
        if (*text == '\\') *to++ = '\\';
        *to++ = *text >= 'A' && *text <= 'Z' ? (char)(*text + 32) : *text;
    }
    MASK__TRY(form_text(p, &pattern, there));
    MASK__TRY(form(p, out, TRUTH, "lower(%s) LIKE %s", x.sql, pattern.sql));
    return form_truth(p, out, out->sql);
}

static mask_status parse_in(parser *p, expression *out, expression x)
{
    MASK__CLOSED(mask__bytes_free) mask__bytes list = {0};
    expression y;
    if (!take_sign(p, "(")) return refuse(p, "IN has a list in parentheses");
    do {
        MASK__TRY(parse_sum(p, &y));
        if (y.type != x.type || x.type == TRUTH || strchr(y.sql, '`'))
            return refuse(p, "IN lists numbers, or texts in quotes");
        mask__bytes_print(&list, "%s%s", list.size ? ", " : "", y.sql);
    } while (take_sign(p, ","));
    if (list.lost) return mask__no_memory(p->err, "a condition");
    if (!take_sign(p, ")")) return refuse(p, "a parenthesis must be closed");
    const char *items = mask__bytes_text(&list);
    MASK__TRY(form(p, &y, TRUTH, "(isNotNull(%s) AND NOT ifNull(%s IN (%s), 0))", x.sql, x.sql, items));
    MASK__TRY(form(p, out, TRUTH, "(isNotNull(%s) AND ifNull(%s IN (%s), 0))", x.sql, x.sql, items));
    out->no = y.sql;
    return MASK_OK;
}

static mask_status parse_between(parser *p, expression *out, expression x)
{
    expression low, high;
    MASK__TRY(parse_sum(p, &low));
    if (!take_word(p, "AND")) return refuse(p, "BETWEEN has an AND");
    MASK__TRY(parse_sum(p, &high));
    MASK__TRY(form_comparison(p, &low, x, ">=", low));
    MASK__TRY(form_comparison(p, &high, x, "<=", high));
    return form_pair(p, out, low, "AND", high);
}

static mask_status parse_predicate(parser *p, expression *out)
{
    static const char *const signs[][2] = {{"<>", "!="}, {"!=", "!="}, {"<=", "<="}, {">=", ">="},
                                           {"==", "="},  {"<", "<"},   {">", ">"},   {"=", "="}};
    expression y;
    MASK__TRY(parse_sum(p, out));
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (take_sign(p, signs[i][0])) {
            MASK__TRY(parse_sum(p, &y));
            MASK__TRY(form_comparison(p, out, *out, signs[i][1], y));
            skip(p);
            return strchr("<>!=", *p->at) && *p->at ? refuse(p, "one comparison is not compared with another")
                                                    : MASK_OK;
        }
    bool none = take_word(p, "ISNULL"), some = !none && take_word(p, "NOTNULL");
    if (!none && !some && take_word(p, "IS")) {
        some = take_word(p, "NOT");
        none = !some;
        if (!take_word(p, "NULL")) return refuse(p, "IS is followed by NULL or NOT NULL");
    }
    if ((none || some) && out->type == TRUTH) return refuse(p, "a comparison is not compared with NULL");
    if (none || some) {
        MASK__TRY(form(p, out, TRUTH, "isNull(%s)", out->sql));
        MASK__TRY(form_truth(p, out, out->sql));
    }
    if (some) deny(out);
    if (none || some) return MASK_OK;
    bool not = take_word(p, "NOT");
    if (take_word(p, "IN")) MASK__TRY(parse_in(p, out, *out));
    else if (take_word(p, "LIKE")) MASK__TRY(parse_like(p, out, *out));
    else if (take_word(p, "BETWEEN")) MASK__TRY(parse_between(p, out, *out));
    else if (not ) return refuse(p, "NOT is followed by IN, LIKE or BETWEEN here");
    if (not ) deny(out);
    return MASK_OK;
}

static mask_status parse_not(parser *p, expression *out)
{
    if (!take_word(p, "NOT")) return parse_predicate(p, out);
    if (++p->depth > DEEPEST) return refuse(p, "NOTs must not be so many");
    MASK__TRY(parse_not(p, out));
    p->depth--;
    if (out->type != TRUTH) return refuse(p, "NOT needs a comparison");
    deny(out);
    return MASK_OK;
}

/* Level 0 stands between what level 1 stands between. */
static mask_status parse_truth(parser *p, expression *out, int level)
{
    static const char *const words[] = {"OR", "AND"};
    expression y;
    if (level == 2) return parse_not(p, out);
    MASK__TRY(parse_truth(p, out, level + 1));
    while (take_word(p, words[level])) {
        MASK__TRY(parse_truth(p, &y, level + 1));
        MASK__TRY(form_pair(p, out, *out, words[level], y));
    }
    return MASK_OK;
}

static mask_status translate(parser *p, mask__bytes *sql)
{
    expression whole;
    MASK__TRY(parse_truth(p, &whole, 0));
    skip(p);
    if (*p->at) return refuse(p, "this is not understood");
    if (whole.type != TRUTH) return refuse(p, "a condition is a comparison");
    mask__bytes_print(sql, "%s", whole.sql);
    return MASK_OK;
}

mask_status mask__remote_where(mask__bytes *sql, mask__catalogue *catalogue, const char *condition, mask_error *err)
{
    parser p = {.condition = condition, .at = condition, .err = err};
    mask__snapshot nothing = {0};
    MASK__TRY(mask__catalogue_generation(catalogue, &nothing.generation, err));
    MASK__TRY(mask__catalogue_where(catalogue, &nothing, condition, NULL, NULL, err));
    MASK__TRY(mask__database_prepare(catalogue, &p.columns, MASK__IMAGE_ROWS, err));
    mask_status status = translate(&p, sql);
    sqlite3_finalize(p.columns);
    mask__arena_free(&p.arena);
    return status;
}
