#include "admin/admin_token.h"

#include "base/check.h"

#include <string.h>

void admin_token_init(struct admin_token *token)
{
    lock_init(&token->lock);
    token->text[0] = '\0';
}

void admin_token_set(struct admin_token *token, const char *text)
{
    size_t size = text == NULL ? 0 : strlen(text);

    CHECK(size < sizeof token->text);
    lock_acquire(&token->lock);
    if (size > 0)
        memcpy(token->text, text, size);
    memset(token->text + size, 0, sizeof token->text - size);
    lock_release(&token->lock);
}

/* Takes the same time wherever the first difference is, so that a token cannot be guessed byte by byte. Its length is no
 * secret worth hiding: it only has to be long. */
static bool is_same_secret(struct http_text given, const char *secret)
{
    size_t size = strlen(secret);
    unsigned difference = given.size == size ? 0 : 1;

    for (size_t i = 0; i < given.size; i++)
        difference |= (unsigned)(unsigned char)given.bytes[i] ^ (unsigned char)secret[i % (size + 1)];
    return difference == 0;
}

/* False: it is not Bearer and something. */
static bool take_bearer(struct http_text authorization, struct http_text *given)
{
    static const char scheme[] = "Bearer";
    struct http_text word = {authorization.bytes, sizeof scheme - 1};

    if (authorization.size <= sizeof scheme || !http_text_equal_nocase(word, scheme) ||
        authorization.bytes[sizeof scheme - 1] != ' ')
        return false;
    given->bytes = authorization.bytes + (sizeof scheme - 1);
    given->size = authorization.size - (sizeof scheme - 1);
    while (given->size > 0 && given->bytes[0] == ' ') {
        given->bytes++;
        given->size--;
    }
    return true;
}

enum admin_token_verdict admin_token_check(struct admin_token *token, struct http_text authorization)
{
    char secret[ADMIN_TOKEN_BYTES];
    struct http_text given;

    lock_acquire(&token->lock);
    memcpy(secret, token->text, sizeof secret);
    lock_release(&token->lock);
    if (secret[0] == '\0')
        return ADMIN_TOKEN_NONE_SET;
    if (!take_bearer(authorization, &given) || !is_same_secret(given, secret))
        return ADMIN_TOKEN_WRONG;
    return ADMIN_TOKEN_RIGHT;
}
