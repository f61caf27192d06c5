/* mask export clickhouse. */
#include "commands.h"

#include <inttypes.h>
#include <stdio.h>

void read_clickhouse(const args *a, const char *url, mask_clickhouse *out)
{
    *out = mask_clickhouse_defaults();
    out->urls = args_text(a, url, out->urls);
    out->database = args_text(a, "--database", out->database);
    out->cluster = args_text(a, "--cluster", out->cluster);
}

static int run_export(args *a)
{
    mask_clickhouse to;
    uint64_t rows;
    read_clickhouse(a, "--url", &to);
    int result = args_size(a, "--words-per-table", 1, 10000, &to.words_per_table);
    if (result) return result;
    if (mask_clickhouse_export(a->positional[0], &to, &rows, &a->run, &a->err) != MASK_OK) return failed(&a->err);
    if (!a->quiet && rows) printf("%" PRIu64 " rows written to '%s'\n", rows, to.database);
    else if (!a->quiet) printf("'%s' holds this gallery as it is\n", to.database);
    return 0;
}

const command command_export = {
    .name = "export clickhouse",
    .positional = "G.gallery",
    .summary = "A gallery into ClickHouse, to be searched there, on one server or many",
    .details =
        "Writes what the database does not hold yet; the same command goes on after it was stopped, and follows the\n"
        "gallery's changes. Then: mask search --clickhouse URL TEXT... With several servers each holds a part of the\n"
        "images, and their configurations name them as one cluster (remote_servers). Needs libcurl.",
    .options =
        (const option[]){
            {"--url", "URL[,URL...]", "the servers, http://user:password@host:8123/ (default: http://127.0.0.1:8123/)"},
            {"--cluster", "NAME", "the cluster that these servers are in their configurations"},
            {"--database", "NAME", "made if it is not there (mask)"},
            {"--words-per-table", "N", "columns of a table; more need more memory of the server (1500)"},
            {0},
        },
    .examples = "mask export clickhouse photos.gallery\n"
                "mask export clickhouse photos.gallery --url http://a:8123/,http://b:8123/ --cluster photos",
    .run = run_export,
};
