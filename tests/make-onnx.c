/* make-onnx classifier|transformer > FILE: a tiny ONNX network with made-up weights (onnx_made.h). */
#include "onnx_made.h"

int main(int argc, char **argv)
{
    static made_model made;
    size_t size;
    if (argc < 2) return 2;
    if (strcmp(argv[1], "transformer") == 0) made_transformer(&made);
    else made_classifier(&made, 64);
    unsigned char *data = made_file(&made, &size);
    bool good = fwrite(data, size, 1, stdout) == 1 && fflush(stdout) == 0;
    free(data);
    mask__arena_free(&made.arena);
    return good ? 0 : 1;
}
