/* Requests to an HTTP server, by libcurl, which is opened when the first is made. */
#ifndef MASK_BASE_HTTP_H
#define MASK_BASE_HTTP_H

#include "base/bytes.h"
#include "base/error.h"

typedef struct mask__http mask__http; /* a connection that is kept open; one thread at a time */

/* url: http://[user:password@]host:port/ . Nothing is sent yet. `run` may stop a request; may be NULL. */
mask_status mask__http_open(mask__http **out, const char *url, const mask_run *run, mask_error *err);
void mask__http_close(mask__http *http); /* NULL is fine */
/* POSTs a body to url?parameters, which are `pairs` names and values, not yet escaped, NULL at the end. The reply
 * replaces *reply. MASK_EIO, one line with what the server said, when there is none or it tells of a failure. */
mask_status mask__http_post(mask__http *http, const char *const *pairs, const void *body, size_t size,
                            mask__bytes *reply, mask_error *err);
/* The url without its user and password, for messages. */
const char *mask__http_name(const mask__http *http);

#endif
