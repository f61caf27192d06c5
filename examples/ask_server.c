/* ask_server.c PORT TEXT: asks a `mask serve` on this machine, by sockets alone, and prints score, confidence and id.
 * cc ask_server.c $(pkg-config --cflags --libs jansson) -o ask_server */
#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Sends the question and reads the answer to its end. NULL when that fails; freed with free(). */
static char *ask(unsigned short port, const char *body)
{
    char *answer = NULL;
    size_t size = 0;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int handle = socket(AF_INET, SOCK_STREAM, 0);
    FILE *stream = handle >= 0 ? fdopen(handle, "r+") : NULL;
    if (!stream || connect(handle, (struct sockaddr *)&to, sizeof to) != 0) {
        if (stream) fclose(stream);
        return NULL;
    }
    fprintf(stream, "POST /v1/search HTTP/1.0\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    fflush(stream);
    ssize_t length = getdelim(&answer, &size, '\0', stream);
    fclose(stream);
    if (length > 0) return answer;
    free(answer);
    return NULL;
}

int main(int argc, char **argv)
{
    size_t i;
    json_t *item;
    if (argc != 3) {
        fprintf(stderr, "ask_server PORT TEXT\n");
        return 2;
    }
    json_t *asked = json_pack("{s:s, s:i}", "query", argv[2], "limit", 5);
    char *body = asked ? json_dumps(asked, 0) : NULL;
    char *answer = body ? ask((unsigned short)strtoul(argv[1], NULL, 10), body) : NULL;
    char *head_end = answer ? strstr(answer, "\r\n\r\n") : NULL;
    json_t *found = head_end ? json_loads(head_end + 4, 0, NULL) : NULL;
    const char *wrong = json_string_value(json_object_get(json_object_get(found, "error"), "message"));
    if (!found || wrong) fprintf(stderr, "%s\n", wrong ? wrong : "the server does not answer");
    json_array_foreach(json_object_get(found, "items"), i, item)
        printf("%.3f  %.2f  %s\n", json_number_value(json_object_get(item, "score")),
               json_number_value(json_object_get(item, "confidence")), json_string_value(json_object_get(item, "id")));
    int result = !found || wrong;
    json_decref(found);
    json_decref(asked);
    free(answer);
    free(body);
    return result;
}
