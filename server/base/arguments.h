/*
 * arguments: a command line split the way Microsoft's C runtime splits it.
 *
 * Windows hands a program one text. The C runtime splits it in the system's code page, where a file name may
 * have lost characters; Fairlead takes the text in UTF-8 and splits it here by the same rules: blanks part
 * arguments, quotes keep blanks, 2n backslashes before a quote are n backslashes, one more makes the quote a
 * letter, and "" within quotes is a quote. In the first argument, the program, backslashes are only letters.
 * Pure.
 */
#ifndef FAIRLEAD_BASE_ARGUMENTS_H
#define FAIRLEAD_BASE_ARGUMENTS_H

#include <stddef.h>

/* Splits `line` in place and answers how many arguments it has; what is beyond `max` is left out. A line of n
 * bytes has at most n / 2 + 1 arguments, an empty one has one: the program, empty. */
size_t arguments_split(char *line, char **arguments, size_t max);

#endif
