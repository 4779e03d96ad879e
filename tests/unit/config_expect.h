/* config_expect: what a server.ini gives, as one assertion. Parts of a server.ini are joined to one text. */
#ifndef FAIRLEAD_TESTS_CONFIG_EXPECT_H
#define FAIRLEAD_TESTS_CONFIG_EXPECT_H

#include "config/config.h"

/* Three lines that make a configuration complete, so that what is tested starts in line 4. */
#define COMPLETE "[listener e]\nlisten=127.0.0.1:1\nmode=echo\n"

/* Exactly these errors, each as "LINE: text\n" ("0: " for the file as a whole). */
void expect_errors(const char *text, const char *errors);
void expect_errors_of_bytes(const void *data, size_t bytes, const char *errors);

/* No errors; the caller frees the configuration. Its path is folder/test.ini. */
struct config *expect_config(const char *text);

/* The whole text of a file of the repository, to be freed; the tests run in its root. */
char *read_text(const char *path);

/* The errors as FILE:LINE: text, one a line, to be freed. */
char *print_errors_of(const char *file, const struct config_errors *errors);

#endif
