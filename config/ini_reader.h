/*
 * ini_reader: the lines of a server.ini on their way into inih.
 *
 * inih splits KEY=VALUE and drops comments, but it tells neither line numbers nor empty sections, cuts long lines and
 * names, takes an indented line for a second value of the key above, and passes over what it does not understand.
 * This reader stands before it, in the place of fgets: it counts lines, reports sections, and holds back whatever
 * inih would cut, skip or take for something else, with an error. What remains reaches inih one line at a time, so
 * while inih's handler runs, `line` is the line that it was called for.
 *
 * Not thread-safe. The data is not copied.
 *
 *   ini_reader_encoding -> ini_reader_init -> ini_parse_stream(ini_reader_read, &reader, ...)
 */
#ifndef FAIRLEAD_CONFIG_INI_READER_H
#define FAIRLEAD_CONFIG_INI_READER_H

#include "config/config.h"

/* A section begins: what stands between the brackets, without blanks around, not terminated. `name` is NULL when the line
 * was refused (the error is reported): which section the next keys belong to is then unknown. */
typedef void ini_section(void *context, unsigned line, const char *name, size_t name_bytes);

struct ini_reader {
    const char *data;
    size_t bytes;
    size_t offset;
    unsigned line; /* of the line that was read last, from 1 */
    bool key_pending;
    struct config_errors *errors;
    ini_section *section;
    void *context;
};

/* What is wrong with the encoding of the whole file, for people; NULL when nothing is. */
const char *ini_reader_encoding(const char *data, size_t bytes);

void ini_reader_init(struct ini_reader *reader, const char *data, size_t bytes, struct config_errors *errors,
                     ini_section *section, void *context);

/* inih's ini_reader; `stream` is the struct ini_reader. */
char *ini_reader_read(char *out, int out_bytes, void *stream);

/* To be called by inih's handler: the line of the key and value that it got. That inih takes every line that was let
 * through, and once, is checked here. */
unsigned ini_reader_take_key(struct ini_reader *reader);

#endif
