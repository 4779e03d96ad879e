/*
 * text: the few questions about text that the configuration asks. Pure; any thread; only ASCII letters have case.
 */
#ifndef FAIRLEAD_CONFIG_TEXT_H
#define FAIRLEAD_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

bool text_is_letter_or_digit(char c);
bool text_is_blank(char c); /* space or tab */
char text_lower(char c);

/* Equal without regard to case. */
bool text_equal(const char *a, const char *b);

/* How many bytes from the start are valid UTF-8 (RFC 3629: no overlong forms, no surrogates); `bytes` when all are. */
size_t text_utf8_valid(const char *text, size_t bytes);

/* The word of `words` (`count` of them, NULL entries are skipped) that `text` most likely means: the fewest letters to
 * insert, remove, replace or swap, without regard to case. NULL when none is near. */
const char *text_suggest(const char *text, const char *const *words, size_t count);

/* The same for candidates that do not stand in one array: offer each; `best` is the answer so far. Start with
 * {.text = ...} and the rest zero. */
struct text_suggestion {
    const char *text;
    const char *best;
    size_t best_distance;
};
void text_suggest_offer(struct text_suggestion *suggestion, const char *word);

#endif
