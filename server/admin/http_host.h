/*
 * http_host: is the name in a request one of ours? (SEMANTICS H2)
 *
 * A page of another site can point its own name at our address and so read, with the visitor's browser, what we answer
 * (DNS rebinding); but it cannot make the browser send another name than its own. So only names that nobody can point
 * elsewhere are served: literal addresses and localhost.
 *
 * Pure; any thread.
 */
#ifndef FAIRLEAD_ADMIN_HTTP_HOST_H
#define FAIRLEAD_ADMIN_HTTP_HOST_H

#include "admin/http_request.h"
#include "base/address.h"

enum http_host_verdict {
    HTTP_HOST_OURS,
    HTTP_HOST_FOREIGN, /* well-formed, but not served here */
    HTTP_HOST_MALFORMED
};

/* `authority` is HOST or HOST:PORT. Ours are, with any port or none: localhost, 127.0.0.1, [::1], and the address of
 * `local`; every literal address when that is 0.0.0.0 or [::]. */
enum http_host_verdict http_host_check(struct http_text authority, const struct address *local);

/* Does a page of this endpoint ask, and not one of another site? A browser names the page's site in Origin, which must be the very
 * one that is asked: http:// and the authority, which http_host_check has found to be ours. */
bool http_origin_is_own(struct http_text origin, struct http_text authority);

#endif
