#include "base/arguments.h"

#include <stdbool.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Ends the argument that was written up to `to` and answers where to read on. The NUL may be written where
 * the blank stood, so the end of the line is looked for first. */
static char *finish(char *to, char *from)
{
    char *next = *from == '\0' ? from : from + 1;

    *to = '\0';
    return next;
}

static char *split_program(char *from, char **argument)
{
    char *to = from;
    bool quoted = false;

    *argument = to;
    for (; *from != '\0' && (quoted || !is_blank(*from)); from++) {
        if (*from == '"')
            quoted = !quoted;
        else
            *to++ = *from;
    }
    return finish(to, from);
}

static char *split_one(char *from, char **argument)
{
    char *to = from;
    bool quoted = false;

    *argument = to;
    for (;;) {
        size_t backslashes = 0;
        bool keep = true;

        for (; *from == '\\'; from++)
            backslashes++;
        if (*from == '"') {
            keep = backslashes % 2 == 1;
            backslashes /= 2;
            if (!keep && quoted && from[1] == '"') {
                from++;
                keep = true;
            } else if (!keep) {
                quoted = !quoted;
            }
        }
        while (backslashes-- > 0)
            *to++ = '\\';
        if (*from == '\0' || (!quoted && is_blank(*from)))
            return finish(to, from);
        if (keep)
            *to++ = *from;
        from++;
    }
}

size_t arguments_split(char *line, char **arguments, size_t max)
{
    size_t count = 0;

    if (max == 0)
        return 0;
    line = split_program(line, &arguments[count++]);
    for (;;) {
        while (is_blank(*line))
            line++;
        if (*line == '\0' || count == max)
            return count;
        line = split_one(line, &arguments[count++]);
    }
}
