/*
 * file_access: may ordinary users change a file that decides what a service does? (SEMANTICS W1)
 *
 * Ordinary are the groups that every account of the machine or of the domain is in: Everyone, Users, Authenticated Users, INTERACTIVE,
 * Guests, Domain Users. A right to write, to delete, or to give oneself those rights counts; so does the right to replace
 * the file through its folder. Reading does not.
 *
 * Any thread but a worker: it uses the disk.
 */
#ifndef FAIRLEAD_HOST_FILE_ACCESS_H
#define FAIRLEAD_HOST_FILE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True: they may, and `warning` is a sentence that names the file or its folder, the group, and the command that mends it. False: they
 * may not, or the system does not tell. `path` is UTF-8. */
bool file_access_warn(const char *path, char *warning, size_t warning_bytes);

/* The name of an ordinary group that this access list (an ACL; NULL: there is none, and everybody may do everything) gives one of
 * these rights to; NULL: no group has one. */
const char *file_access_find(void *list, uint32_t rights);

#endif
