#include "nn/parameters.h"

#include "base/memory.h"
#include "nn/random.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE = 64 / sizeof(real) };

size_t mask__parameters_add(mask__parameters *table, unsigned ndim, size_t rows, size_t columns, size_t fan_in,
                            real initial, const char *format, ...)
{
    size_t numbers, end;
    if (!mask__multiply(rows, columns, &numbers) || __builtin_add_overflow(table->size, numbers, &end) ||
        end > PTRDIFF_MAX / sizeof(real) ||
        !mask__grow(&table->items, &table->capacity, table->count + 1, sizeof *table->items)) {
        table->failed = true;
        return 0;
    }
    mask__parameter *p = &table->items[table->count++];
    *p = (mask__parameter){
        .ndim = ndim, .shape = {rows, columns}, .offset = table->size, .fan_in = fan_in, .initial = initial};
    va_list args;
    va_start(args, format);
    vsnprintf(p->name, sizeof p->name, format, args);
    va_end(args);
    table->size = end;
    return p->offset;
}

void mask__parameters_align(mask__parameters *table)
{
    table->size = (table->size + LINE - 1) / LINE * LINE;
}

size_t mask__parameter_numbers(const mask__parameter *parameter)
{
    return parameter->shape[0] * parameter->shape[1];
}

void mask__parameters_initialise(const mask__parameters *table, uint64_t seed, real *values)
{
    memset(values, 0, table->size * sizeof *values);
    for (size_t i = 0; i < table->count; i++) {
        const mask__parameter *p = &table->items[i];
        real *v = values + p->offset, bound = p->fan_in ? 1 / mask__sqrt((real)p->fan_in) : 0;
        for (size_t j = 0; j < mask__parameter_numbers(p); j++)
            v[j] = p->fan_in ? bound * (real)(2 * mask__uniform(seed, p->offset + j) - 1) : p->initial;
    }
}

void mask__parameters_free(mask__parameters *table)
{
    free(table->items);
    *table = (mask__parameters){0};
}
