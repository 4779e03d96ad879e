/*
 * admin_token: the secret that the statistics ask for, which a reload may replace while requests are being answered.
 *
 * The text is copied, so whoever sets it may free his own. Any thread. Embedded in its owner; needs no destruction.
 */
#ifndef FAIRLEAD_ADMIN_ADMIN_TOKEN_H
#define FAIRLEAD_ADMIN_ADMIN_TOKEN_H

#include "admin/http_request.h"
#include "base/limits.h"
#include "base/lock.h"

/* The text comes out of one line of the configuration. */
enum { ADMIN_TOKEN_BYTES = CONFIG_LINE_BYTES_MAX + 1 };

struct admin_token {
    struct lock lock; /* guards the text */
    char text[ADMIN_TOKEN_BYTES];
};

enum admin_token_verdict { ADMIN_TOKEN_RIGHT, ADMIN_TOKEN_WRONG /* or missing */, ADMIN_TOKEN_NONE_SET };

void admin_token_init(struct admin_token *token);

/* NULL = none. What is checked from now on is compared with this. */
void admin_token_set(struct admin_token *token, const char *text);

/* What the value of an Authorization header is worth: Bearer TOKEN. */
enum admin_token_verdict admin_token_check(struct admin_token *token, struct http_text authorization);

#endif
