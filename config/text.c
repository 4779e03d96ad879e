#include "config/text.h"

#include <string.h>

bool text_is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool text_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

char text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool text_equal(const char *a, const char *b)
{
    while (*a != '\0' && text_lower(*a) == text_lower(*b)) {
        a++;
        b++;
    }
    return text_lower(*a) == text_lower(*b);
}

/* The length of the UTF-8 sequence at `p`, 0 when it is not valid. */
static size_t utf8_sequence(const unsigned char *p, size_t bytes)
{
    size_t length = p[0] < 0x80   ? 1
                    : p[0] < 0xc2 ? 0
                    : p[0] < 0xe0 ? 2
                    : p[0] < 0xf0 ? 3
                    : p[0] < 0xf5 ? 4
                                  : 0;

    if (length > bytes)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    /* The first continuation byte excludes overlong forms, surrogates and what is above U+10FFFF. */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))
        return 0;
    if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return length;
}

size_t text_utf8_valid(const char *text, size_t bytes)
{
    size_t offset = 0;

    while (offset < bytes) {
        size_t length = utf8_sequence((const unsigned char *)text + offset, bytes - offset);
        if (length == 0)
            break;
        offset += length;
    }
    return offset;
}

/* Longer words are no keys or names of ours, and nobody means one of them. */
enum { WORD_BYTES = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: like Levenshtein's distance, and a swap of neighbours counts once. */
static size_t distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    size_t rows[3][WORD_BYTES + 1];
    size_t *before = rows[0];
    size_t *previous = rows[1];
    size_t *current = rows[2];

    for (size_t j = 0; j <= b_bytes; j++)
        previous[j] = j;
    for (size_t i = 1; i <= a_bytes; i++) {
        current[0] = i;
        for (size_t j = 1; j <= b_bytes; j++) {
            char x = text_lower(a[i - 1]);
            char y = text_lower(b[j - 1]);
            current[j] = least(least(previous[j], current[j - 1]) + 1, previous[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == text_lower(b[j - 2]) && y == text_lower(a[i - 2]))
                current[j] = least(current[j], before[j - 2] + 1);
        }
        size_t *recycled = before;
        before = previous;
        previous = current;
        current = recycled;
    }
    return previous[b_bytes];
}

void text_suggest_offer(struct text_suggestion *suggestion, const char *word)
{
    size_t text_bytes = strlen(suggestion->text);
    size_t word_bytes = strlen(word);

    if (text_bytes == 0 || text_bytes > WORD_BYTES || word_bytes > WORD_BYTES)
        return;
    size_t found = distance(suggestion->text, text_bytes, word, word_bytes);
    /* A third of the letters may be wrong; with more, a suggestion would mislead. */
    if (found > word_bytes / 3)
        return;
    if (suggestion->best == NULL || found < suggestion->best_distance) {
        suggestion->best = word;
        suggestion->best_distance = found;
    }
}

const char *text_suggest(const char *text, const char *const *words, size_t count)
{
    struct text_suggestion suggestion = {text, NULL, 0};

    for (size_t i = 0; i < count; i++) {
        if (words[i] != NULL)
            text_suggest_offer(&suggestion, words[i]);
    }
    return suggestion.best;
}
