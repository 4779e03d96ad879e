/*
 * config_values: reads the value of one key into its field, or says what is wrong with it.
 *
 * The setters of the table in config_keys.c. Each gets a value that is not empty, and on an error leaves the field as
 * it was. Not thread-safe.
 */
#ifndef FAIRLEAD_CONFIG_VALUES_H
#define FAIRLEAD_CONFIG_VALUES_H

#include "config/config_draft.h"

/* Whether `text` can be the name of a listener, upstream or server; otherwise the error is added. */
bool config_name_check(struct config_draft *draft, unsigned line, const char *text);

/* Into a uint32_t, within the key's range. */
config_setter config_set_number;
config_setter config_set_duration;
config_setter config_set_size;

/* One key each. */
config_setter config_set_workers;
config_setter config_set_log_level;
config_setter config_set_log_file;
config_setter config_set_rotate_size;
config_setter config_set_session_log;
config_setter config_set_stats_listen;
config_setter config_set_token;
config_setter config_set_listen;
config_setter config_set_protocol;
config_setter config_set_mode;
config_setter config_set_upstream;
config_setter config_set_server;

#endif
